#include "quant/options.h"

#include <array>

#include "quant/operators.h"

namespace skiff {
namespace {

struct AlgorithmName {
  CalibrationAlgorithm algorithm;
  std::string_view name;
};
constexpr std::array<AlgorithmName, 7> kAlgorithms = {{{CalibrationAlgorithm::kAbsMax, "abs_max"},
                                                       {CalibrationAlgorithm::kAvg, "avg"},
                                                       {CalibrationAlgorithm::kHist, "hist"},
                                                       {CalibrationAlgorithm::kKl, "KL"},
                                                       {CalibrationAlgorithm::kMse, "mse"},
                                                       {CalibrationAlgorithm::kEmd, "emd"},
                                                       {CalibrationAlgorithm::kPtf, "ptf"}}};

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

namespace quant {

Status CheckOptions(const QuantizeOptions& options) {
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
