// skiff explain: for every layer of the compiled model, how it runs, how long, and why not in INT8.
#include <fmt/format.h>

#include <algorithm>

#include "cli/inputs.h"
#include "cli/layers.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/verb.h"

namespace skiff::cli {
namespace {

struct ExplainOptions {
  ModelOptions model;
  PreprocessFlags preprocess;
  InputOptions inputs;
  int repeats = 10;
  bool json = false;
};

Status Explain(const ExplainOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const auto preprocess,
                         ResolvePreprocess(options.preprocess, options.model.Folder()));
  SKIFF_ASSIGN_OR_RETURN(auto session,
                         LoadSession(options.model, options.model.Precisions().front(), true));
  SKIFF_ASSIGN_OR_RETURN(const auto inputs, MakeInputs(*session, options.inputs, preprocess));
  SKIFF_RETURN_IF_ERROR(SetInputs(*session, inputs));
  SKIFF_RETURN_IF_ERROR(session->Run());
  session->ResetProfile();
  for (int i = 0; i < options.repeats; ++i) SKIFF_RETURN_IF_ERROR(session->Run());
  const std::vector<LayerInfo> layers = session->Layers();
  const auto count = [&](std::string_view precision) {
    return std::count_if(layers.begin(), layers.end(),
                         [&](const LayerInfo& l) { return l.precision == precision; });
  };
  if (options.json) {
    PrintJson({{"model", options.model.Title()},
               {"precision", Name(session->precision())},
               {"isa", session->isa()},
               {"threads", options.model.threads},
               {"int8_layers", count("int8")},
               {"bf16_layers", count("bf16")},
               {"layers", LayersJson(layers)},
               {"operators", OperatorsJson(layers)}});
    return OkStatus();
  }
  const bool bf16 = session->precision() == Precision::kBf16;
  fmt::print("{}, {}, {}, {} thread(s): {} of {} layers in {}\n\n", options.model.Title(),
             Name(session->precision()), session->isa(), options.model.threads,
             count(bf16 ? "bf16" : "int8"), layers.size(), bf16 ? "bfloat16" : "INT8");
  PrintLayers(layers);
  fmt::print("\n");
  PrintOperators(layers);
  return OkStatus();
}

}  // namespace

void AddExplain(Verbs& verbs) {
  Verb& verb = verbs.Add("explain", "Per layer: precision, kernel, time, and why not INT8");
  auto options = std::make_shared<ExplainOptions>();
  AddSessionFlags(verb, options->model, PrecisionFlag::kOne);
  AddShapeFlags(verb, options->inputs);
  AddInputFileFlag(verb, options->inputs);
  verb.Number({"--repeats", "N", "Runs that are timed"}, options->repeats, 1, 1'000'000);
  AddJsonFlag(verb, options->json);
  AddPreprocessFlags(verb, options->preprocess);
  verb.OnUse([options] { return RequireModel(options->model); },
             [options] { return Explain(*options); });
}

}  // namespace skiff::cli
