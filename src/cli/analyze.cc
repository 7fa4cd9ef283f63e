// skiff analyze: which tensors and layers suffer from quantisation.
#include "skiff/analyze.h"

#include <fmt/format.h>

#include "cli/progress.h"
#include "cli/quantize_flags.h"
#include "cli/text.h"
#include "cli/verb.h"

namespace skiff::cli {
namespace {

struct AnalyzeVerb {
  QuantizeFlags flags;
  AnalyzeOptions options;
  ModelSource quant_model;
  bool no_statistics = false;
  bool no_metric = false;
  bool json = false;
};

Json ToJson(const TensorMoments& m) {
  return {{"min", m.least}, {"max", m.largest}, {"mean", m.mean}, {"std", m.deviation}};
}

Json ToJson(const AnalyzeVerb& verb, const Analysis& analysis) {
  Json tensors = Json::array();
  for (const AnalyzedTensor& t : analysis.tensors) {
    tensors.push_back({{"name", t.name},
                       {"type", t.weight.empty() ? "Weight" : "Activation"},
                       {"weight", t.weight.empty() ? t.name : t.weight},
                       {"fp32", ToJson(t.fp32)},
                       {"quantized", ToJson(t.quantized)},
                       {"difference", ToJson(t.difference)}});
  }
  Json layers = Json::array();
  for (const AnalyzedLayer& layer : analysis.layers) {
    layers.push_back(
        {{"name", layer.name}, {"metric", layer.metric}, {"sensitivity", layer.sensitivity}});
  }
  Json json = {{"model", verb.flags.model.Title()},
               {"save_dir", verb.options.save_dir},
               {"metric", analysis.metric},
               {"tensors", tensors},
               {"layers", layers}};
  if (analysis.target) {
    json["target"] = {{"top1", analysis.target->top1_int8},
                      {"trials", analysis.target->trials.size()}};
  }
  return json;
}

void Print(const AnalyzeVerb& verb, const Analysis& analysis) {
  const bool labels = verb.flags.options.evaluation != nullptr;
  if (!analysis.layers.empty()) {
    Table table({Align::kRight, Align::kLeft, Align::kRight, Align::kRight});
    table.Add({"#", "layer", labels ? "top-1" : "cosine", "sensitivity"});
    for (size_t i = 0; i < analysis.layers.size(); ++i) {
      const AnalyzedLayer& layer = analysis.layers[i];
      table.Add({fmt::format("{}", i), Shorten(layer.name, 48), fmt::format("{:.5f}", layer.metric),
                 fmt::format("{:.3e}", layer.sensitivity)});
    }
    table.Print();
    fmt::print("\n{} {:.5f} with {}\n", labels ? "top-1" : "cosine", analysis.metric,
               verb.quant_model.model_dir.empty() ? "no layer quantised" : "all layers quantised");
  }
  if (analysis.target) {
    fmt::print("top-1 {:.5f} (float {:.5f}): {}/target_quant_model\n", analysis.target->top1_int8,
               analysis.target->top1_fp32, verb.options.save_dir);
  }
  fmt::print("written to {}\n", verb.options.save_dir);
}

Status Run(AnalyzeVerb& verb) {
  SKIFF_ASSIGN_OR_RETURN(const auto data, ResolveQuantizeFlags(verb.flags));
  verb.options.quantize = verb.flags.options;
  verb.options.statistics = !verb.no_statistics;
  verb.options.metric_error = !verb.no_metric;
  if (!verb.quant_model.model_dir.empty()) verb.options.quant_model = &verb.quant_model;
  StageProgress progress;
  const Result<Analysis> analysis =
      Analyze(verb.flags.model.Source(), *data, verb.options, progress.Callback());
  progress.Clear();
  if (!analysis.ok()) return analysis.status();
  if (verb.json) {
    PrintJson(ToJson(verb, *analysis));
  } else {
    Print(verb, *analysis);
  }
  return OkStatus();
}

}  // namespace

void AddAnalyze(Verbs& verbs) {
  Verb& verb = verbs.Add("analyze", "Find the tensors and layers that suffer from quantisation");
  auto state = std::make_shared<AnalyzeVerb>();
  AnalyzeOptions& options = state->options;
  AddCalibrationFlags(verb, state->flags);
  AddEvaluationFlag(verb, state->flags);
  verb.Text({"--save_dir", "DIR", "Folder for what is found"}, options.save_dir);
  verb.Text(
      {"--quant_model_dir", "DIR", "A quantised model: put its layers back to float one at a time"},
      state->quant_model.model_dir);
  verb.Switch({"--resume", "", "Go on with an analysis that was interrupted"}, options.resume);
  verb.Switch({"--no_statistics", "", "Only layers"}, state->no_statistics);
  verb.Switch({"--no_metric", "", "Only statistics"}, state->no_metric);
  verb.Number({"--target_metric", "SHARE",
               "Leave layers in float until top-1 on --eval_list reaches this share"},
              options.target_metric, 0.0, 1.0);
  AddAlgorithmFlags(verb, state->flags);
  AddJsonFlag(verb, state->json);
  AddPreprocessFlags(verb, state->flags.preprocess);
  verb.OnUse(
      [state] {
        if (state->options.target_metric && state->flags.eval_list.empty()) {
          return InvalidArgument("--target_metric needs --eval_list");
        }
        return CheckQuantizeFlags(state->flags);
      },
      [state] { return Run(*state); });
}

}  // namespace skiff::cli
