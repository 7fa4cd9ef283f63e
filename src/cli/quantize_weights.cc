// skiff quantize_dynamic and skiff quantize_embedding: weights alone are stored smaller.
#include "skiff/quantize_weights.h"

#include <fmt/format.h>

#include "cli/options.h"
#include "cli/text.h"
#include "cli/verb.h"

namespace skiff::cli {
namespace {

// What both verbs take besides their options.
struct WeightFlags {
  ModelOptions model;
  std::string out;
  std::string types;
  bool json = false;
};

struct DynamicFlags : WeightFlags {
  DynamicOptions options;
  bool fp16 = false;
  std::string weight_type = "channel_wise_abs_max";
};

struct EmbeddingFlags : WeightFlags {
  EmbeddingOptions options;
};

void Show(const WeightFlags& flags, std::string_view as, const StoredWeightsReport& report) {
  if (flags.json) {
    Json weights = Json::array();
    for (const StoredWeight& row : report.weights) {
      weights.push_back({{"op", row.op},
                         {"name", row.name},
                         {"weight", row.weight},
                         {"why_float", row.why_float}});
    }
    PrintJson({{"model", flags.model.Title()},
               {"out", flags.out},
               {"bytes_before", report.bytes_before},
               {"bytes_after", report.bytes_after},
               {"weights", weights}});
    return;
  }
  Table table({Align::kLeft, Align::kLeft, Align::kLeft});
  table.Add({"operator", "weight", "why not"});
  size_t stored = 0;
  for (const StoredWeight& row : report.weights) {
    stored += row.why_float.empty();
    table.Add({row.op, Shorten(row.weight, 40), row.why_float});
  }
  table.Print();
  fmt::print("\n{} of {} weights stored as {}, {:.2f} MB of parameters now {:.2f} MB: {}\n", stored,
             report.weights.size(), as, static_cast<double>(report.bytes_before) / 1e6,
             static_cast<double>(report.bytes_after) / 1e6, flags.out);
}

template <typename Options>
void AddSharedFlags(Verb& verb, WeightFlags& flags, Options& options) {
  Flag out{"--out", "DIR", "Folder for the quantised model"};
  out.required = true;
  verb.Text(out, flags.out);
  AddModelFlags(verb, flags.model);
  flags.types = fmt::format("{}", fmt::join(options.quantizable_op_type, ","));
  verb.Text({"--quantizable_op_type", "LIST", "Operators whose weights to store, with commas"},
            flags.types);
  verb.Text({"--save_model_filename", "FILE", "Name of the program"}, options.save_model_filename);
  verb.Text({"--save_params_filename", "FILE", "Name of the parameters"},
            options.save_params_filename);
  AddJsonFlag(verb, flags.json);
}

Status RunFp16(const DynamicFlags& flags) {
  const Fp16Options names{flags.options.save_model_filename, flags.options.save_params_filename};
  const auto report = ConvertWeightToFp16(flags.model.Source(), names, flags.out);
  if (!report.ok()) return report.status();
  Show(flags, "float16", *report);
  return OkStatus();
}

Status RunDynamic(DynamicFlags& flags) {
  flags.options.quantizable_op_type = Split(flags.types, ',');
  flags.options.weight_per_channel = flags.weight_type == "channel_wise_abs_max";
  const auto report = QuantizeDynamic(flags.model.Source(), flags.options, flags.out);
  if (!report.ok()) return report.status();
  Show(flags, "integers", *report);
  return OkStatus();
}

Status RunEmbedding(EmbeddingFlags& flags) {
  flags.options.quantizable_op_type = Split(flags.types, ',');
  const auto report = QuantizeEmbedding(flags.model.Source(), flags.options, flags.out);
  if (!report.ok()) return report.status();
  Show(flags, "integers", *report);
  return OkStatus();
}

}  // namespace

void AddQuantizeDynamic(Verbs& verbs) {
  Verb& verb = verbs.Add("quantize_dynamic", "Store weights as integers or float16, without data");
  auto flags = std::make_shared<DynamicFlags>();
  AddSharedFlags(verb, *flags, flags->options);
  verb.Number({"--weight_bits", "N", "8 or 16"}, flags->options.weight_bits, 8, 16);
  verb.Text({"--weight_quantize_type", "NAME", "channel_wise_abs_max or abs_max"},
            flags->weight_type);
  verb.Switch({"--generate_test_model", "", "Also write a float model that answers the same"},
              flags->options.generate_test_model);
  verb.Switch({"--convert_weight_to_fp16", "",
               "Store all float32 parameters as float16 instead; the program stays as it is"},
              flags->fp16);
  verb.OnUse(
      [flags] {
        if (flags->fp16 && flags->options.generate_test_model) {
          return InvalidArgument(
              "--generate_test_model: with --convert_weight_to_fp16 there is none");
        }
        if (flags->weight_type != "channel_wise_abs_max" && flags->weight_type != "abs_max") {
          return InvalidArgument("--weight_quantize_type " + flags->weight_type +
                                 ": channel_wise_abs_max or abs_max expected");
        }
        return RequireModel(flags->model);
      },
      [flags] { return flags->fp16 ? RunFp16(*flags) : RunDynamic(*flags); });
}

void AddQuantizeEmbedding(Verbs& verbs) {
  Verb& verb = verbs.Add("quantize_embedding", "Store embedding tables as int8");
  auto flags = std::make_shared<EmbeddingFlags>();
  AddSharedFlags(verb, *flags, flags->options);
  verb.Number({"--threshold", "X", "The absolute value that stands for code 127; the largest"},
              flags->options.threshold, 1e-30F, 1e30F);
  verb.OnUse([flags] { return RequireModel(flags->model); },
             [flags] { return RunEmbedding(*flags); });
}

}  // namespace skiff::cli
