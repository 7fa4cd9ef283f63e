// skiff inspect: what a model's files hold. Nothing is compiled, so that models that Skiff cannot
// run can be looked at too.
#include <fmt/format.h>

#include "cli/options.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "formats/summary.h"
#include "session/load.h"

namespace skiff::cli {
namespace {

struct InspectOptions {
  ModelOptions model;
  bool json = false;
};

Json TensorsJson(const std::vector<TensorInfo>& tensors) {
  Json json = Json::array();
  for (const TensorInfo& tensor : tensors) {
    json.push_back({{"name", tensor.name}, {"dtype", Name(tensor.dtype)}, {"shape", tensor.dims}});
  }
  return json;
}

Json CountJson(const formats::ParameterCount& count) {
  return {{"tensors", count.tensors}, {"elements", count.elements}, {"bytes", count.bytes}};
}

Json ParametersJson(const formats::ModelSummary& summary) {
  Json json = CountJson(summary.parameter_total());
  json["layout"] = summary.params_layout;
  Json types = Json::object();
  for (const auto& [dtype, count] : summary.parameters) {
    types[std::string(Name(dtype))] = CountJson(count);
  }
  json["types"] = std::move(types);
  return json;
}

Json QuantisationJson(const formats::QuantSummary& quantisation) {
  Json bits = Json::object();
  for (const auto& [width, weights] : quantisation.weight_bits) {
    bits[std::to_string(width)] = weights;
  }
  return {{"representation", Name(quantisation.representation)},
          {"description", Describe(quantisation.representation)},
          {"operators_with_weights", quantisation.operators_with_weights},
          {"operators_without_weights", quantisation.operators_without_weights},
          {"activation_thresholds", quantisation.activation_thresholds},
          {"output_thresholds", quantisation.output_thresholds},
          {"weight_bits", std::move(bits)}};
}

Json ToJson(const formats::ModelSummary& summary) {
  Json operators = Json::object();
  for (const auto& [type, count] : summary.operators) operators[type] = count;
  return {{"source", summary.source},
          {"format", summary.format},
          {"producer", summary.producer},
          {"inputs", TensorsJson(summary.inputs)},
          {"outputs", TensorsJson(summary.outputs)},
          {"blocks", summary.blocks},
          {"operator_count", summary.operator_count()},
          {"operators", std::move(operators)},
          {"parameters", ParametersJson(summary)},
          {"quantisation", QuantisationJson(summary.quantisation)}};
}

void AddTensors(Table& table, const std::string& title, const std::vector<TensorInfo>& tensors) {
  std::string head = title;
  for (const TensorInfo& tensor : tensors) {
    table.Add(
        {head, fmt::format("{}: {} {}", tensor.name, Name(tensor.dtype), DimsText(tensor.dims))});
    head.clear();
  }
}

std::string Mib(int64_t bytes) {
  return fmt::format("{:.2f} MiB", static_cast<double>(bytes) / (1 << 20));
}

void AddParameters(Table& table, const formats::ModelSummary& summary) {
  const formats::ParameterCount total = summary.parameter_total();
  table.Add({"parameters", fmt::format("{} tensors ({}), {} elements, {}", total.tensors,
                                       summary.params_layout, total.elements, Mib(total.bytes))});
  for (const auto& [dtype, count] : summary.parameters) {
    table.Add(
        {"", fmt::format("{}: {} tensors, {}", Name(dtype), count.tensors, Mib(count.bytes))});
  }
}

void AddQuantisation(Table& table, const formats::QuantSummary& quantisation) {
  table.Add({"quantisation", fmt::format("{}: {}", Name(quantisation.representation),
                                         Describe(quantisation.representation))});
  if (quantisation.representation == formats::Representation::kNone) return;
  table.Add({"", fmt::format("{} operators with quantised weights, {} without weights",
                             quantisation.operators_with_weights,
                             quantisation.operators_without_weights)});
  table.Add({"", fmt::format("{} thresholds of activations, {} of operators' outputs",
                             quantisation.activation_thresholds, quantisation.output_thresholds)});
  for (const auto& [width, weights] : quantisation.weight_bits) {
    table.Add({"", fmt::format("{} weights of {} bits", weights, width)});
  }
}

void Print(const formats::ModelSummary& summary) {
  Table table({Align::kLeft, Align::kLeft});
  table.Add({"model", summary.source});
  table.Add({"format", summary.format});
  table.Add({"producer", summary.producer.empty() ? "not said" : "Paddle " + summary.producer});
  AddTensors(table, "inputs", summary.inputs);
  AddTensors(table, "outputs", summary.outputs);
  AddParameters(table, summary);
  AddQuantisation(table, summary.quantisation);
  table.Add(
      {"operators", fmt::format("{} in {} block(s)", summary.operator_count(), summary.blocks)});
  for (const auto& [type, count] : summary.operators) {
    table.Add({"", fmt::format("{:>5} {}", count, type)});
  }
  table.Print();
}

Status Inspect(const InspectOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const auto program, session::ReadSource(options.model.Source()));
  const formats::ModelSummary summary = formats::Summarise(program);
  if (options.json) {
    PrintJson(ToJson(summary));
  } else {
    Print(summary);
  }
  return OkStatus();
}

}  // namespace

void AddInspect(Verbs& verbs) {
  Verb& verb = verbs.Add("inspect", "What a model's files hold");
  auto options = std::make_shared<InspectOptions>();
  AddModelFlags(verb, options->model);
  AddJsonFlag(verb, options->json);
  verb.OnUse([options] { return RequireModel(options->model); },
             [options] { return Inspect(*options); });
}

}  // namespace skiff::cli
