#include "cli/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace skiff::cli {
namespace {

constexpr size_t kNameWidth = 36;

double MsPerRun(const LayerInfo& layer) {
  return layer.runs > 0 ? layer.total_ms / static_cast<double>(layer.runs) : 0;
}

double SumMs(const std::vector<LayerInfo>& layers) {
  double sum = 0;
  for (const LayerInfo& layer : layers) sum += MsPerRun(layer);
  return sum;
}

double Share(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

// Billions of multiply-adds a second; 0 where that makes no sense.
double GigaMultiplyAdds(const LayerInfo& layer) {
  const double ms = MsPerRun(layer);
  return ms > 0 ? static_cast<double>(layer.multiply_adds) / ms * 1e-6 : 0;
}

struct Group {
  std::string op;
  std::string precision;
  int64_t layers = 0;
  double ms = 0;
};

std::vector<Group> GroupByOperator(const std::vector<LayerInfo>& layers) {
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (const LayerInfo& layer : layers) {
    Group& group = groups[{layer.op, layer.precision}];
    group.op = layer.op;
    group.precision = layer.precision;
    group.layers += 1;
    group.ms += MsPerRun(layer);
  }
  std::vector<Group> sorted;
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Group& a, const Group& b) { return a.ms > b.ms; });
  return sorted;
}

}  // namespace

Json LayersJson(const std::vector<LayerInfo>& layers) {
  const double total = SumMs(layers);
  Json json = Json::array();
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerInfo& layer = layers[i];
    json.push_back({{"index", i},
                    {"op", layer.op},
                    {"name", layer.name},
                    {"input_shape", layer.input_dims},
                    {"output_shape", layer.output_dims},
                    {"activation_bytes", layer.activation_bytes},
                    {"precision", layer.precision},
                    {"kernel", layer.kernel},
                    {"ms", MsPerRun(layer)},
                    {"share", Share(MsPerRun(layer), total)},
                    {"multiply_adds", layer.multiply_adds},
                    {"why_float", layer.why_float}});
  }
  return json;
}

void PrintLayers(const std::vector<LayerInfo>& layers) {
  const double total = SumMs(layers);
  Table table({Align::kRight, Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft,
               Align::kRight, Align::kRight, Align::kRight, Align::kLeft});
  table.Add(
      {"#", "operator", "name", "output", "in", "kernel", "ms", "%", "Gmadd/s", "why not INT8"});
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerInfo& layer = layers[i];
    const double speed = GigaMultiplyAdds(layer);
    table.Add({fmt::format("{}", i), layer.op, Shorten(layer.name, kNameWidth),
               DimsText(layer.output_dims), layer.precision, layer.kernel,
               fmt::format("{:.3f}", MsPerRun(layer)),
               fmt::format("{:.1f}", Share(MsPerRun(layer), total)),
               speed > 0 ? fmt::format("{:.1f}", speed) : "", layer.why_float});
  }
  table.Print();
}

Json OperatorsJson(const std::vector<LayerInfo>& layers) {
  const double total = SumMs(layers);
  Json json = Json::array();
  for (const Group& group : GroupByOperator(layers)) {
    json.push_back({{"op", group.op},
                    {"precision", group.precision},
                    {"layers", group.layers},
                    {"ms", group.ms},
                    {"share", Share(group.ms, total)}});
  }
  return json;
}

void PrintOperators(const std::vector<LayerInfo>& layers) {
  const double total = SumMs(layers);
  Table table({Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kRight});
  table.Add({"operator", "in", "layers", "ms", "%"});
  for (const Group& group : GroupByOperator(layers)) {
    table.Add({group.op, group.precision, fmt::format("{}", group.layers),
               fmt::format("{:.3f}", group.ms), fmt::format("{:.1f}", Share(group.ms, total))});
  }
  table.Add({"all", "", fmt::format("{}", layers.size()), fmt::format("{:.3f}", total), ""});
  table.Print();
}

}  // namespace skiff::cli
