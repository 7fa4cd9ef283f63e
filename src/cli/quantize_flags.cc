#include "cli/quantize_flags.h"

#include <fmt/format.h>

#include <cstdlib>

#include "cli/interrupt.h"
#include "cli/text.h"

namespace skiff::cli {
namespace {

std::string Joined(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, ","));
}

Result<bool> ParseBool(const std::string& text) {
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  return InvalidArgument(text + ": true or false expected");
}

// As the XDG base directory specification places caches.
std::string CacheFolder(const QuantizeFlags& flags) {
  if (flags.no_cache) return "";
  if (!flags.cache_dir.empty()) return flags.cache_dir;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return std::string(cache) + "/skiff/quantize";
  const char* home = std::getenv("HOME");
  return home != nullptr && *home == '/' ? std::string(home) + "/.cache/skiff/quantize" : "";
}

}  // namespace

void AddAlgorithmFlags(Verb& verb, QuantizeFlags& flags) {
  QuantizeOptions& options = flags.options;
  verb.Group("How");
  verb.Custom(
      {"--recipe", "NAME",
       "plain (what PaddleSlim does), fast, default or best; where --algo is given and this is "
       "not, "
       "plain"},
      [&flags](const std::string& text) {
        SKIFF_ASSIGN_OR_RETURN(flags.recipe, ParseRecipe(text));
        return OkStatus();
      },
      std::string(Name(Recipe::kDefault)));
  verb.Custom(
      {"--algo", "NAME",
       "How an activation's range follows from its values: hist, KL, mse, emd, avg, abs_max, ptf, "
       "min_max or output_error"},
      [&flags](const std::string& text) {
        SKIFF_ASSIGN_OR_RETURN(flags.algo, ParseCalibrationAlgorithm(text));
        return OkStatus();
      },
      "the recipe's");
  verb.Custom(
      {"--round_type", "NAME", "How weights become integers: round, gram or adaround"},
      [&flags](const std::string& text) {
        SKIFF_ASSIGN_OR_RETURN(flags.round_type, ParseRoundType(text));
        return OkStatus();
      },
      "the recipe's");
  verb.Number(
      {"--iterations", "N",
       "Steps of training for each block (--recipe best) or layer (adaround); 0: 100 to 500, "
       "by the size of the network"},
      options.iterations, 0, 1000000);
  verb.Switch({"--equalize", "", "Give channels that share a grid like ranges first"},
              flags.equalize);
  verb.Switch({"--bias_correction", "", "Put the mean of each output channel right"},
              flags.bias_correction);
  verb.Custom(
      {"--int8_must_pay", "BOOL", "Leave layers in float that INT8 would make slower"},
      [&flags](const std::string& text) {
        SKIFF_ASSIGN_OR_RETURN(flags.int8_must_pay, ParseBool(text));
        return OkStatus();
      },
      "the recipe's");
  verb.Text({"--cache_dir", "DIR", "Where calibration is kept for another run over the same data"},
            flags.cache_dir);
  verb.Switch({"--no_cache", "", "Keep nothing"}, flags.no_cache);
  verb.Number({"--hist_percent", "SHARE", "Share of the values that hist keeps"},
              options.hist_percent, 1e-6, 1.0);
  verb.Text({"--weight_quantize_type", "NAME", "channel_wise_abs_max or abs_max"},
            flags.weight_type);
  AddExportFlags(verb, flags);
}

void AddExportFlags(Verb& verb, QuantizeFlags& flags) {
  QuantizeOptions& options = flags.options;
  flags.types = Joined(options.quantizable_op_type);
  verb.Text({"--quantizable_op_type", "LIST", "Operators to quantise, separated by commas"},
            flags.types);
  verb.Switch({"--is_full_quantize", "", "Round what operators without a weight read, too"},
              options.is_full_quantize);
  verb.Text({"--skip_tensor_list", "LIST", "Operators that touch these variables stay float"},
            flags.skip);
  verb.Texts({"--same_scale_tensor_list", "LIST",
              "These tensors get the largest threshold of all; NAME#*#K counts K times its own "
              "(said once for each list)"},
             flags.same_scale);
  verb.Custom(
      {"--full_range", "NAME",
       "Codes 0..255, not 0..127, for what cannot be negative: none, depthwise (what depthwise "
       "convolutions alone read, at no cost) or all"},
      [&flags](const std::string& text) {
        SKIFF_ASSIGN_OR_RETURN(flags.full_range, ParseFullRange(text));
        return OkStatus();
      },
      "the recipe's");
  verb.Number({"--weight_bits", "N", "Bits of a weight's codes: 8"}, options.weight_bits, 1, 32);
  verb.Number({"--activation_bits", "N", "Bits of an activation's codes: 8"},
              options.activation_bits, 1, 32);
  verb.Text({"--activation_quantize_type", "NAME",
             "Operator of the old format: range_abs_max, moving_average_abs_max or abs_max"},
            options.activation_quantize_type);
  verb.Switch({"--optimize_model", "", "Make batch norms part of the convolutions before them"},
              options.optimize_model);
  verb.Switch({"--old_format", "", "Write fake_quantize_* operators, not onnx_format"},
              flags.old_format);
  verb.Custom(
      {"--onnx_format", "BOOL", "true: quantize_linear and int8 weights; false: --old_format"},
      [&flags](const std::string& text) {
        SKIFF_ASSIGN_OR_RETURN(const bool onnx_format, ParseBool(text));
        flags.old_format = !onnx_format;
        return OkStatus();
      },
      "true");
  verb.Text({"--save_model_filename", "FILE", "Name of the program"}, options.model_filename);
  verb.Text({"--save_params_filename", "FILE", "Name of the parameters"}, options.params_filename);
}

void AddDataFlags(Verb& verb, QuantizeFlags& flags) {
  Flag data{"--data", "PATH", "A folder or a list of pictures, a .npy array or an ImageNet .bin"};
  data.required = true;
  verb.Text(data, flags.data);
  AddSessionFlags(verb, flags.model, PrecisionFlag::kNone);
}

void AddCalibrationFlags(Verb& verb, QuantizeFlags& flags) {
  AddDataFlags(verb, flags);
  verb.Number({"--batch_size", "N", "Samples in one run"}, flags.batch_size, int64_t{1},
              int64_t{65536});
  verb.Number({"--batch_nums", "N", "Batches to use; 0: all"}, flags.batch_nums, int64_t{0},
              int64_t{1} << 40);
  verb.Number(
      {"--stable_share", "SHARE",
       "Read no more batches once no range moved by more than this over 16 of them; 0: read "
       "all"},
      flags.options.stable_share, 0.0, 0.999);
}

void AddEvaluationFlag(Verb& verb, QuantizeFlags& flags) {
  verb.Text({"--eval_list", "LIST", "Measure top-1 on these pictures: lines \"path label\""},
            flags.eval_list);
}

Status CheckQuantizeFlags(const QuantizeFlags& flags) {
  if (flags.weight_type != "channel_wise_abs_max" && flags.weight_type != "abs_max") {
    return InvalidArgument("--weight_quantize_type " + flags.weight_type +
                           ": channel_wise_abs_max or abs_max expected");
  }
  return RequireModel(flags.model);
}

Result<std::unique_ptr<CalibrationData>> ResolveQuantizeFlags(QuantizeFlags& flags) {
  QuantizeOptions& options = flags.options;
  options.quantizable_op_type = Split(flags.types, ',');
  options.skip_tensor_list =
      flags.skip.empty() ? std::vector<std::string>() : Split(flags.skip, ',');
  for (const std::string& list : flags.same_scale) {
    options.same_scale_tensor_list.push_back(Split(list, ','));
  }
  options.weight_per_channel = flags.weight_type == "channel_wise_abs_max";
  options.onnx_format = !flags.old_format;
  ApplyRecipe(flags.recipe.value_or(flags.algo ? Recipe::kPlain : Recipe::kDefault), &options);
  options.algo = flags.algo.value_or(options.algo);
  options.round_type = flags.round_type.value_or(options.round_type);
  options.equalize |= flags.equalize;
  options.bias_correction |= flags.bias_correction;
  options.int8_must_pay = flags.int8_must_pay.value_or(options.int8_must_pay);
  options.full_range = flags.full_range.value_or(options.full_range);
  options.cache_dir = CacheFolder(flags);
  options.go_on = [kept = options.cache_dir] {
    if (!Interrupted()) return OkStatus();
    return CheckFailed(kept.empty() ? "stopped; nothing was kept (--no_cache)"
                                    : "stopped; the same command goes on from what is in " + kept);
  };
  CatchInterrupt();
  options.threads = flags.model.threads;
  options.memory_limit = static_cast<size_t>(flags.model.memory_limit_mib) << 20;
  SKIFF_ASSIGN_OR_RETURN(const auto preprocess,
                         ResolvePreprocess(flags.preprocess, flags.model.Folder()));
  if (!flags.eval_list.empty()) {
    SKIFF_ASSIGN_OR_RETURN(flags.evaluation, OpenEvaluation(flags.eval_list, preprocess));
    options.evaluation = &flags.evaluation.labelled;
  }
  return OpenCalibrationData(flags.model.Source(), flags.data, preprocess, flags.batch_size,
                             flags.batch_nums);
}

}  // namespace skiff::cli
