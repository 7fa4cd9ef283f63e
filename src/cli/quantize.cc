// skiff quantize: a float model and calibration data in, a quantised model out.
#include "skiff/quantize.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/calibration.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/stopwatch.h"
#include "cli/text.h"
#include "cli/verb.h"

namespace skiff::cli {
namespace {

struct QuantizeFlags {
  ModelOptions model;
  PreprocessFlags preprocess;
  QuantizeOptions options;
  std::string data;
  std::string out;
  std::string types;
  std::string skip;
  std::string weight_type = "channel_wise_abs_max";
  int64_t batch_size = 1;
  int64_t batch_nums = 0;
  bool old_format = false;
  bool json = false;
};

std::string Joined(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, ","));
}

Json ToJson(const QuantizeFlags& flags, const QuantizeReport& report, double seconds) {
  Json layers = Json::array();
  for (const QuantizedLayer& layer : report.layers) {
    layers.push_back({{"op", layer.op},
                      {"name", layer.name},
                      {"activation", layer.activation},
                      {"weight", layer.weight},
                      {"threshold", layer.threshold},
                      {"largest", layer.largest},
                      {"why_float", layer.why_float}});
  }
  return {{"model", flags.model.Title()},
          {"out", flags.out},
          {"algo", Name(flags.options.algo)},
          {"onnx_format", flags.options.onnx_format},
          {"batches", report.batches},
          {"seconds", seconds},
          {"layers", layers}};
}

void Print(const QuantizeFlags& flags, const QuantizeReport& report, double seconds) {
  Table table(
      {Align::kRight, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kLeft});
  table.Add({"#", "operator", "name", "threshold", "largest", "why not"});
  int64_t quantized = 0;
  for (size_t i = 0; i < report.layers.size(); ++i) {
    const QuantizedLayer& layer = report.layers[i];
    const bool is_float = !layer.why_float.empty();
    quantized += !is_float;
    table.Add({fmt::format("{}", i), layer.op, Shorten(layer.name, 32),
               is_float ? "" : fmt::format("{:.4g}", layer.threshold),
               is_float ? "" : fmt::format("{:.4g}", layer.largest), layer.why_float});
  }
  table.Print();
  fmt::print("\n{} of {} operators quantised by {} over {} batches in {:.1f} s: {}\n", quantized,
             report.layers.size(), Name(flags.options.algo), report.batches, seconds, flags.out);
}

Status Run(QuantizeFlags& flags) {
  QuantizeOptions& options = flags.options;
  options.quantizable_op_type = Split(flags.types, ',');
  options.skip_tensor_list =
      flags.skip.empty() ? std::vector<std::string>() : Split(flags.skip, ',');
  options.weight_per_channel = flags.weight_type == "channel_wise_abs_max";
  options.onnx_format = !flags.old_format;
  options.threads = flags.model.threads;
  options.memory_limit = static_cast<size_t>(flags.model.memory_limit_mib) << 20;
  SKIFF_ASSIGN_OR_RETURN(const auto preprocess,
                         ResolvePreprocess(flags.preprocess, flags.model.Folder()));
  SKIFF_ASSIGN_OR_RETURN(const auto data, OpenCalibrationData(flags.data, preprocess,
                                                              flags.batch_size, flags.batch_nums));
  const Stopwatch watch;
  Progress progress("batches", data->batches());
  Result<QuantizeReport> report = Quantize(flags.model.Source(), *data, options, flags.out,
                                           [&](std::string_view stage, int64_t done, int64_t) {
                                             progress.Update(done, std::string(stage));
                                           });
  progress.Clear();
  if (!report.ok()) return report.status();
  const double seconds = watch.Ms() / 1000;
  if (flags.json) {
    PrintJson(ToJson(flags, *report, seconds));
  } else {
    Print(flags, *report, seconds);
  }
  return OkStatus();
}

Status CheckWeightType(const std::string& type) {
  if (type == "channel_wise_abs_max" || type == "abs_max") return OkStatus();
  return InvalidArgument("--weight_quantize_type " + type +
                         ": channel_wise_abs_max or abs_max expected");
}

void AddAlgorithmFlags(Verb& verb, QuantizeFlags& flags) {
  QuantizeOptions& options = flags.options;
  verb.Group("How");
  verb.Custom(
      {"--algo", "NAME",
       "How an activation's range follows from its values: hist, KL, mse, emd, "
       "avg, abs_max or ptf"},
      [&options](const std::string& text) {
        SKIFF_ASSIGN_OR_RETURN(options.algo, ParseCalibrationAlgorithm(text));
        return OkStatus();
      },
      std::string(Name(options.algo)));
  verb.Number({"--hist_percent", "SHARE", "Share of the values that hist keeps"},
              options.hist_percent, 1e-6, 1.0);
  flags.types = Joined(options.quantizable_op_type);
  verb.Text({"--quantizable_op_type", "LIST", "Operators to quantise, separated by commas"},
            flags.types);
  verb.Text({"--skip_tensor_list", "LIST", "Operators that touch these variables stay float"},
            flags.skip);
  verb.Text({"--weight_quantize_type", "NAME", "channel_wise_abs_max or abs_max"},
            flags.weight_type);
  verb.Text({"--activation_quantize_type", "NAME",
             "Operator of the old format: range_abs_max, moving_average_abs_max or abs_max"},
            options.activation_quantize_type);
  verb.Switch({"--old_format", "", "Write fake_quantize_* operators, not onnx_format"},
              flags.old_format);
  verb.Text({"--save_model_filename", "FILE", "Name of the program"}, options.model_filename);
  verb.Text({"--save_params_filename", "FILE", "Name of the parameters"}, options.params_filename);
}

}  // namespace

void AddQuantize(Verbs& verbs) {
  Verb& verb = verbs.Add("quantize", "Make an INT8 model from a float one and calibration data");
  auto flags = std::make_shared<QuantizeFlags>();
  Flag data{"--data", "PATH", "A folder or a list of pictures, a .npy array or an ImageNet .bin"};
  data.required = true;
  verb.Text(data, flags->data);
  Flag out{"--out", "DIR", "Folder for the quantised model"};
  out.required = true;
  verb.Text(out, flags->out);
  AddSessionFlags(verb, flags->model, PrecisionFlag::kNone);
  verb.Number({"--batch_size", "N", "Samples in one run"}, flags->batch_size, int64_t{1},
              int64_t{65536});
  verb.Number({"--batch_nums", "N", "Batches to use; 0: all"}, flags->batch_nums, int64_t{0},
              int64_t{1} << 40);
  AddAlgorithmFlags(verb, *flags);
  AddJsonFlag(verb, flags->json);
  AddPreprocessFlags(verb, flags->preprocess);
  verb.OnUse(
      [flags] {
        SKIFF_RETURN_IF_ERROR(CheckWeightType(flags->weight_type));
        return RequireModel(flags->model);
      },
      [flags] { return Run(*flags); });
}

}  // namespace skiff::cli
