// read_thresholds and read_weight_only: quantisation information in attributes and side files.
#include <cmath>
#include <map>

#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Edge;
using graph::Graph;
using graph::Grid;
using graph::Node;
using graph::Value;

struct WeightSlots {
  std::string_view data;
  std::string_view weight;
  int axis = 0;  // of the output channels
};

// Slots of the operators that a threshold quantises; false for all others.
bool FindWeightSlots(const Node& node, WeightSlots* slots) {
  if (IsConv2d(node)) {
    *slots = {"Input", "Filter", 0};
    return true;
  }
  if (IsOneOf(node.type, {"mul", "matmul", "matmul_v2"})) {
    const bool transposed =
        node.Attributes().Bool(node.type == "matmul" ? "transpose_Y" : "trans_y", false);
    *slots = {"X", "Y", transposed ? 0 : 1};
    return true;
  }
  return false;
}

// R6: attributes "<variable>.min" and "<variable>.max" of the operator that reads the variable.
double AttributeThreshold(const Node& node, const std::string& variable) {
  program::AttributeReader attributes = node.Attributes();
  if (!attributes.Has(variable + ".max")) return 0;
  return std::fmax(std::fabs(attributes.Float(variable + ".min", 0)),
                   std::fabs(attributes.Float(variable + ".max", 0)));
}

Result<Value*> QuantizePerChannel(Graph& graph, const Value& weight, int axis) {
  const std::vector<int64_t>& dims = ConstantDims(weight);
  Grid grid;
  grid.axis = axis;
  grid.step.assign(static_cast<size_t>(dims[static_cast<size_t>(axis)]), 0.0);
  const std::span<const float> w = FloatData(&weight);
  const size_t stride = grid.step.size() == 1 ? w.size() : StepStride(dims, grid);
  for (size_t i = 0; i < w.size(); ++i) {
    double& largest = grid.step[i / stride % grid.step.size()];
    largest = std::fmax(largest, std::fabs(w[i]));
  }
  for (double& step : grid.step) step = step > 0 ? step / 127 : 1.0;
  return QuantizeConstant(graph, weight, grid);
}

}  // namespace

Status ReadThresholds(Graph& graph, const std::vector<std::pair<std::string, double>>& table) {
  std::map<std::string, double> known(table.begin(), table.end());
  for (Node& node : graph.nodes()) {
    WeightSlots slots;
    if (!FindWeightSlots(node, &slots)) continue;
    Edge* data = node.MutableInEdge(slots.data);
    const Value* weight = node.In(slots.weight);
    if (data == nullptr || data->grid || weight == nullptr || !weight->constant || weight->grid ||
        static_cast<int>(ConstantDims(*weight).size()) <= slots.axis || FloatData(weight).empty()) {
      continue;
    }
    double threshold = AttributeThreshold(node, data->value->name);
    if (threshold == 0) {
      const auto it = known.find(data->value->name);
      if (it != known.end()) threshold = it->second;
    }
    if (!(threshold > 0) || !std::isfinite(threshold)) continue;
    Grid grid;
    grid.step = {threshold / 127};
    data->grid = grid;
    SKIFF_ASSIGN_OR_RETURN(Value * codes, QuantizePerChannel(graph, *weight, slots.axis));
    graph.SetInput({&node, node.SlotIndex(slots.weight), 0}, codes);
  }
  return OkStatus();
}

Status ReadWeightOnly(Graph& graph) {
  for (Node& node : graph.nodes()) {
    if (!node.Attributes().Has("quantize_weight_bits")) continue;
    WeightSlots slots;
    const Value* weight = FindWeightSlots(node, &slots) ? node.In(slots.weight) : nullptr;
    if (weight == nullptr || !weight->constant || weight->dtype == DType::kFloat32) continue;
    const std::vector<float> steps = node.Attributes().Floats(weight->name + "_quant_scale", {});
    const program::Tensor& tensor = *weight->constant;
    const bool wide = tensor.dtype == DType::kInt16;
    Grid grid;
    grid.step.assign(steps.begin(), steps.end());
    grid.axis = slots.axis;
    if (steps.empty() || (!wide && tensor.dtype != DType::kInt8) ||
        (steps.size() > 1 &&
         (static_cast<int>(tensor.dims.size()) <= slots.axis ||
          tensor.dims[static_cast<size_t>(slots.axis)] != static_cast<int64_t>(steps.size())))) {
      return Corruption(node.type + " " + node.name + ": no usable step for weight " +
                        weight->name);
    }
    const size_t stride = StepStride(tensor.dims, grid);
    const size_t n = tensor.data.bytes.size() / (wide ? 2 : 1);
    std::vector<float> w(n);
    for (size_t i = 0; i < n; ++i) {
      const float code = wide ? static_cast<float>(tensor.As<int16_t>()[i])
                              : static_cast<float>(tensor.As<int8_t>()[i]);
      w[i] = code * steps[i / stride % steps.size()];
    }
    graph.SetInput({&node, node.SlotIndex(slots.weight), 0},
                   graph.AddFloatConstant(weight->name, tensor.dims, std::move(w)));
  }
  return OkStatus();
}

}  // namespace skiff::passes
