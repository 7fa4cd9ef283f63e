// skiff tune: searches the quantiser's options for those that cost a model least.
#include "skiff/tune.h"

#include <fmt/format.h>

#include "cli/progress.h"
#include "cli/quantize_flags.h"
#include "cli/text.h"
#include "cli/verb.h"

namespace skiff::cli {
namespace {

struct TuneVerb {
  QuantizeFlags flags;
  TuneOptions options;
  std::string out;
  bool json = false;
};

constexpr const char* WeightType(bool per_channel) {
  return per_channel ? "channel_wise_abs_max" : "abs_max";
}

Json ToJson(const TuneTrial& trial) {
  return {{"algo", Name(trial.algo)},
          {"bias_correction", trial.bias_correction},
          {"weight_quantize_type", WeightType(trial.weight_per_channel)},
          {"hist_percent", trial.hist_percent},
          {"batch_size", trial.batch_size},
          {"batch_nums", trial.batch_nums},
          {"loss", trial.loss}};
}

void Print(const TuneVerb& verb, const TuneResult& result) {
  Table table({Align::kRight, Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight,
               Align::kRight, Align::kRight, Align::kRight, Align::kLeft});
  table.Add(
      {"#", "algo", "bias", "weight", "hist_percent", "batch_size", "batch_nums", "loss", ""});
  for (size_t i = 0; i < result.trials.size(); ++i) {
    const TuneTrial& trial = result.trials[i];
    table.Add({fmt::format("{}", i), std::string(Name(trial.algo)),
               trial.bias_correction ? "corrected" : "", WeightType(trial.weight_per_channel),
               fmt::format("{:.6f}", trial.hist_percent), fmt::format("{}", trial.batch_size),
               fmt::format("{}", trial.batch_nums), fmt::format("{:.5f}", trial.loss),
               i == result.best ? "best" : ""});
  }
  table.Print();
  fmt::print("\nvalue for default configuration: {:.5f}\noptimized value: {:.5f}\n",
             result.trials[0].loss, result.trials[result.best].loss);
  fmt::print("quantization completed: {}\n", verb.out);
}

Status Run(TuneVerb& verb) {
  verb.flags.recipe = Recipe::kPlain;  // what the search varies is Paddle's
  // Opens the data once to resolve what was said; the search opens it in batches of its own.
  SKIFF_RETURN_IF_ERROR(ResolveQuantizeFlags(verb.flags).status());
  verb.options.quantize = verb.flags.options;
  SKIFF_ASSIGN_OR_RETURN(const auto preprocess,
                         ResolvePreprocess(verb.flags.preprocess, verb.flags.model.Folder()));
  const auto open = [&](int64_t batch_size, int64_t batch_nums) {
    return OpenCalibrationData(verb.flags.model.Source(), verb.flags.data, preprocess, batch_size,
                               batch_nums);
  };
  StageProgress progress;
  const Result<TuneResult> result =
      Tune(verb.flags.model.Source(), open, verb.options, verb.out, progress.Callback());
  progress.Clear();
  if (!result.ok()) return result.status();
  if (verb.json) {
    Json trials = Json::array();
    for (const TuneTrial& trial : result->trials) trials.push_back(ToJson(trial));
    PrintJson({{"model", verb.flags.model.Title()},
               {"out", verb.out},
               {"best", result->best},
               {"warnings", result->report.warnings},
               {"trials", trials}});
  } else {
    Print(verb, *result);
  }
  for (const std::string& warning : result->report.warnings) {
    fmt::print(stderr, "skiff: warning: {}\n", warning);
  }
  return OkStatus();
}

template <typename T>
Setter RangeOf(std::array<T, 2>& range, T least, T most) {
  return [&range, least, most](const std::string& text) {
    const std::vector<std::string> ends = Split(text, ',');
    if (ends.empty() || ends.size() > 2) return InvalidArgument("a number, or two: 10,30");
    SKIFF_ASSIGN_OR_RETURN(range[0], ParseNumber(ends.front(), least, most));
    SKIFF_ASSIGN_OR_RETURN(range[1], ParseNumber(ends.back(), least, most));
    return range[0] <= range[1] ? OkStatus() : InvalidArgument(text + ": the range is empty");
  };
}

void AddSearchFlags(Verb& verb, TuneOptions& options) {
  verb.Group("Search");
  verb.Custom(
      {"--algo", "LIST", "Algorithms to try, separated by commas"},
      [&options](const std::string& text) {
        options.algo.clear();
        for (const std::string& name : Split(text, ',')) {
          SKIFF_ASSIGN_OR_RETURN(const CalibrationAlgorithm algo, ParseCalibrationAlgorithm(name));
          options.algo.push_back(algo);
        }
        return OkStatus();
      },
      "hist,avg,mse,KL");
  verb.Custom(
      {"--weight_quantize_type", "LIST", "channel_wise_abs_max, abs_max or both"},
      [&options](const std::string& text) {
        options.weight_per_channel.clear();
        for (const std::string& name : Split(text, ',')) {
          if (name != WeightType(true) && name != WeightType(false)) {
            return InvalidArgument(name + ": channel_wise_abs_max or abs_max expected");
          }
          options.weight_per_channel.push_back(name == WeightType(true));
        }
        return OkStatus();
      },
      WeightType(true));
  verb.Custom(
      {"--bias_correction", "LIST", "true, false or both"},
      [&options](const std::string& text) {
        options.bias_correction.clear();
        for (const std::string& name : Split(text, ',')) {
          if (name != "true" && name != "false") {
            return InvalidArgument(name + ": true or false expected");
          }
          options.bias_correction.push_back(name == "true");
        }
        return OkStatus();
      },
      "false,true");
  verb.Custom({"--hist_percent", "FROM,TO", "Share of the values that hist keeps"},
              RangeOf(options.hist_percent, 1e-6, 1.0), "0.98,0.99999");
  verb.Custom({"--batch_size", "FROM,TO", "Samples in one run of the calibration"},
              RangeOf(options.batch_size, int64_t{1}, int64_t{65536}), "10,30");
  verb.Custom({"--batch_nums", "FROM,TO", "Batches to calibrate on"},
              RangeOf(options.batch_nums, int64_t{1}, int64_t{1} << 40), "10,30");
  verb.Number({"--runcount_limit", "N", "Trials"}, options.runcount_limit, int64_t{1},
              int64_t{1000000});
  verb.Number({"--seed", "N", "Another seed, another search"}, options.seed, uint64_t{0},
              uint64_t{1} << 62);
}

}  // namespace

void AddTune(Verbs& verbs) {
  Verb& verb = verbs.Add("tune", "Search the quantiser's options for those that cost least");
  auto state = std::make_shared<TuneVerb>();
  Flag out{"--out", "DIR", "Folder for the best model and the log of the trials"};
  out.required = true;
  verb.Text(out, state->out);
  AddDataFlags(verb, state->flags);
  AddEvaluationFlag(verb, state->flags);
  AddSearchFlags(verb, state->options);
  verb.Group("How");
  AddExportFlags(verb, state->flags);
  AddJsonFlag(verb, state->json);
  AddPreprocessFlags(verb, state->flags.preprocess);
  verb.OnUse([state] { return CheckQuantizeFlags(state->flags); }, [state] { return Run(*state); });
}

}  // namespace skiff::cli
