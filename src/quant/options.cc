#include "quant/options.h"

#include <array>
#include <utility>

#include "quant/operators.h"

namespace skiff {
namespace {

struct AlgorithmName {
  CalibrationAlgorithm algorithm;
  std::string_view name;
};
constexpr std::array<AlgorithmName, 9> kAlgorithms = {
    {{CalibrationAlgorithm::kAbsMax, "abs_max"},
     {CalibrationAlgorithm::kAvg, "avg"},
     {CalibrationAlgorithm::kHist, "hist"},
     {CalibrationAlgorithm::kKl, "KL"},
     {CalibrationAlgorithm::kMse, "mse"},
     {CalibrationAlgorithm::kEmd, "emd"},
     {CalibrationAlgorithm::kPtf, "ptf"},
     {CalibrationAlgorithm::kMinMax, "min_max"},
     {CalibrationAlgorithm::kOutputError, "output_error"}}};

}  // namespace

std::string_view Name(CalibrationAlgorithm algorithm) {
  for (const AlgorithmName& row : kAlgorithms) {
    if (row.algorithm == algorithm) return row.name;
  }
  return "unknown";
}

Result<CalibrationAlgorithm> ParseCalibrationAlgorithm(std::string_view name) {
  std::string known;
  for (const AlgorithmName& row : kAlgorithms) {
    if (row.name == name) return row.algorithm;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  return InvalidArgument("algorithm " + std::string(name) + ": one of " + known + " expected");
}

std::string_view Name(RoundType type) {
  switch (type) {
    case RoundType::kNearest: return "round";
    case RoundType::kGram: return "gram";
    case RoundType::kAdaround: return "adaround";
  }
  return "unknown";
}

Result<RoundType> ParseRoundType(std::string_view name) {
  for (RoundType type : {RoundType::kNearest, RoundType::kGram, RoundType::kAdaround}) {
    if (Name(type) == name) return type;
  }
  return InvalidArgument("round_type " + std::string(name) + ": round, gram or adaround expected");
}

std::string_view Name(FullRange range) {
  switch (range) {
    case FullRange::kNone: return "none";
    case FullRange::kDepthwise: return "depthwise";
    case FullRange::kAll: return "all";
  }
  return "unknown";
}

Result<FullRange> ParseFullRange(std::string_view name) {
  for (FullRange range : {FullRange::kNone, FullRange::kDepthwise, FullRange::kAll}) {
    if (Name(range) == name) return range;
  }
  return InvalidArgument("full_range " + std::string(name) + ": none, depthwise or all expected");
}

namespace {

struct RecipeRow {
  Recipe recipe;
  std::string_view name;
  CalibrationAlgorithm algo;
  RoundType round_type;
  bool equalize;
  bool bias_correction;
  bool reconstruct;
  bool int8_must_pay;
  FullRange full_range;
};
constexpr std::array<RecipeRow, 4> kRecipes = {{
    {Recipe::kPlain, "plain", CalibrationAlgorithm::kHist, RoundType::kNearest, false, false, false,
     false, FullRange::kNone},
    {Recipe::kFast, "fast", CalibrationAlgorithm::kAvg, RoundType::kNearest, true, true, false,
     true, FullRange::kDepthwise},
    {Recipe::kDefault, "default", CalibrationAlgorithm::kOutputError, RoundType::kGram, true, true,
     false, true, FullRange::kDepthwise},
    {Recipe::kBest, "best", CalibrationAlgorithm::kOutputError, RoundType::kGram, true, true, true,
     true, FullRange::kDepthwise},
}};

}  // namespace

std::string_view Name(Recipe recipe) {
  for (const RecipeRow& row : kRecipes) {
    if (row.recipe == recipe) return row.name;
  }
  return "unknown";
}

Result<Recipe> ParseRecipe(std::string_view name) {
  for (const RecipeRow& row : kRecipes) {
    if (row.name == name) return row.recipe;
  }
  return InvalidArgument("recipe " + std::string(name) + ": plain, fast, default or best expected");
}

void ApplyRecipe(Recipe recipe, QuantizeOptions* options) {
  for (const RecipeRow& row : kRecipes) {
    if (row.recipe != recipe) continue;
    options->algo = row.algo;
    options->round_type = row.round_type;
    options->equalize = row.equalize;
    options->bias_correction = row.bias_correction;
    options->reconstruct = row.reconstruct;
    options->int8_must_pay = row.int8_must_pay;
    options->full_range = row.full_range;
  }
}

namespace quant {

namespace {

Status CheckEvaluation(const QuantizeOptions& options) {
  const LabelledData* evaluation = options.evaluation;
  if (evaluation == nullptr) {
    return options.max_drop ? InvalidArgument("max_drop needs evaluation data with labels")
                            : OkStatus();
  }
  const int64_t batches = evaluation->data == nullptr ? 0 : evaluation->data->batches();
  const auto labels = static_cast<int64_t>(evaluation->labels.size());
  if (batches < 1 || labels < 1 || labels % batches != 0) {
    return InvalidArgument("evaluation data: " + std::to_string(labels) + " labels for " +
                           std::to_string(batches) + " batches");
  }
  if (!options.max_drop) return OkStatus();
  if (!(*options.max_drop >= 0 && *options.max_drop <= 100)) {
    return InvalidArgument("max_drop is " + std::to_string(*options.max_drop) +
                           ", points between 0 and 100 expected");
  }
  if (batches < 2) {
    return InvalidArgument(
        "max_drop chooses on one half of the evaluation data and judges on the "
        "other: one batch is too little");
  }
  return OkStatus();
}

Status CheckBits(const QuantizeOptions& options) {
  for (const auto& [name, bits] : {std::pair("weight_bits", options.weight_bits),
                                   std::pair("activation_bits", options.activation_bits)}) {
    if (bits == 8) continue;
    return Unsupported(
        std::string(name) + " is " + std::to_string(bits) +
        ": Skiff computes with 8 bits, as Paddle's INT8 passes do; weights alone can "
        "have 16 (quantize_dynamic)");
  }
  return OkStatus();
}

// What the files of min_max cannot say, and what needs to choose ranges itself.
Status CheckCombination(const QuantizeOptions& options) {
  const bool chooses =
      options.round_type != RoundType::kNearest || options.bias_correction || options.reconstruct;
  if (options.algo == CalibrationAlgorithm::kMinMax) {
    if (chooses || !options.weight_per_channel || options.is_full_quantize) {
      return InvalidArgument(
          "algo min_max writes ranges beside float weights: round_type, bias_correction, blocks, "
          "weight_quantize_type and is_full_quantize do not go with it");
    }
  }
  if (!options.same_scale_tensor_list.empty() &&
      (options.reconstruct || options.algo == CalibrationAlgorithm::kOutputError)) {
    return InvalidArgument(
        "same_scale_tensor_list: output_error and blocks choose the range of each tensor alone; "
        "give another algo");
  }
  if (options.full_range == FullRange::kAll && !CanSayFullRange(options)) {
    return InvalidArgument("full_range all: only onnx_format can say it, and not with min_max");
  }
  if (!(options.stable_share >= 0 && options.stable_share < 1)) {
    return InvalidArgument("stable_share is " + std::to_string(options.stable_share) +
                           ", a share in [0, 1) expected");
  }
  return OkStatus();
}

}  // namespace

Status CheckOptions(const QuantizeOptions& options) {
  SKIFF_RETURN_IF_ERROR(CheckEvaluation(options));
  SKIFF_RETURN_IF_ERROR(CheckBits(options));
  SKIFF_RETURN_IF_ERROR(CheckCombination(options));
  if (!(options.hist_percent > 0 && options.hist_percent <= 1)) {
    return InvalidArgument("hist_percent is " + std::to_string(options.hist_percent) +
                           ", a share in (0, 1] expected");
  }
  for (const std::string& type : options.quantizable_op_type) {
    if (FindWeightSlots(type) == nullptr) {
      return InvalidArgument("quantizable_op_type: operators of type " + type +
                             " have no weight to quantise");
    }
  }
  for (const char* type : {"range_abs_max", "moving_average_abs_max", "abs_max"}) {
    if (options.activation_quantize_type == type) return OkStatus();
  }
  return InvalidArgument("activation_quantize_type " + options.activation_quantize_type +
                         ": range_abs_max, moving_average_abs_max or abs_max expected");
}

}  // namespace quant
}  // namespace skiff
