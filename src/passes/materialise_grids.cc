// Passes that turn grids back into float: materialise_grids, round_skips, dequantize_weights.
#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Edge;
using graph::Graph;
using graph::Grid;
using graph::Node;
using graph::Use;
using graph::Value;

// Position of each element's step: (i / inner) % steps.
size_t InnerOf(const program::Tensor& tensor, const Grid& grid) {
  if (grid.step.size() == 1) return 1;
  size_t inner = 1;
  for (size_t d = static_cast<size_t>(grid.axis) + 1; d < tensor.dims.size(); ++d) {
    inner *= static_cast<size_t>(tensor.dims[d]);
  }
  return inner;
}

Value* FloatWeight(Graph& graph, const Value& weight) {
  const auto codes = weight.constant->As<int8_t>();
  const std::vector<double>& step = weight.grid->step;
  const size_t inner = std::max<size_t>(InnerOf(*weight.constant, *weight.grid), 1);
  std::vector<float> w(codes.size());
  for (size_t i = 0; i < w.size(); ++i) {
    w[i] = static_cast<float>(codes[i] * step[i / inner % step.size()]);
  }
  return graph.AddFloatConstant(weight.name, ConstantDims(weight), std::move(w));
}

// A float node that holds an s8 weight: its input carries no codes.
bool NeedsFloatWeight(const Node& node) {
  const Edge* input = node.InEdge(node.In("Input") ? "Input" : "X");
  return input == nullptr || (!IsInt8(input->value->dtype) && !input->grid) ||
         !node.why_float.empty();
}

// quantize_linear + dequantize_linear, as Paddle's own operators.
Value* RoundedCopy(Graph& graph, Value* value, const Grid& grid, const Node* before) {
  const auto threshold = static_cast<float>(grid.threshold());
  Value* scale = graph.AddFloatConstant(value->name + "@scale", {1}, {threshold});
  Value* current = value;
  for (const char* type : {"quantize_linear", "dequantize_linear"}) {
    Value* out = graph.AddValue(value->name + (current == value ? ".quantized" : ".rounded"),
                                DType::kFloat32, value->dims);
    Node* node = graph.InsertBefore(before, type, out->name);
    node->SetAttribute("quant_axis", program::AttrType::kInt, int32_t{-1});
    node->SetAttribute("bit_length", program::AttrType::kInt, int32_t{8});
    node->SetAttribute("round_type", program::AttrType::kInt,
                       int32_t{grid.round == RoundMode::kHalfAway ? 1 : 0});
    graph.AddInput(node, "X", current);
    graph.AddInput(node, "Scale", scale);
    graph.AddOutput(node, "Y", out);
    current = out;
  }
  return current;
}

}  // namespace

Status DequantizeWeights(Graph& graph) {
  for (Node& node : graph.nodes()) {
    if (!NeedsFloatWeight(node)) continue;
    for (std::string_view slot : {"Filter", "W", "Y"}) {
      const Value* weight = node.In(slot);
      if (weight != nullptr && weight->constant && weight->grid) {
        graph.SetInput({&node, node.SlotIndex(slot), 0}, FloatWeight(graph, *weight));
      }
    }
  }
  return OkStatus();
}

Status MaterialiseGrids(Graph& graph) {
  for (Node& node : graph.nodes()) {
    for (size_t s = 0; s < node.inputs.size(); ++s) {
      for (size_t e = 0; e < node.inputs[s].edges.size(); ++e) {
        Edge& edge = node.inputs[s].edges[e];
        if (!edge.grid) continue;
        const Grid grid = *edge.grid;
        edge.grid.reset();
        graph.SetInput({&node, static_cast<int>(s), static_cast<int>(e)},
                       RoundedCopy(graph, edge.value, grid, &node));
      }
    }
  }
  return DequantizeWeights(graph);
}

Status RoundSkips(Graph& graph, const std::vector<CarriedSkip>& skips) {
  for (const CarriedSkip& skip : skips) {
    Value* value = nullptr;
    for (Value& v : graph.values()) {
      if (v.name == skip.tensor && v.producer != nullptr) value = &v;
    }
    if (value == nullptr) return Internal("no tensor " + skip.tensor + " to round");
    const std::vector<Use> uses = value->uses;
    for (const Use& use : uses) {
      if (use.node->type != "elementwise_add") continue;
      graph.SetInput(use, RoundedCopy(graph, value, skip.grid, use.node));
    }
  }
  return OkStatus();
}

}  // namespace skiff::passes
