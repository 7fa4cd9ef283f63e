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

Value* FloatWeight(Graph& graph, const Value& weight) {
  const auto codes = weight.constant->As<int8_t>();
  const std::vector<double>& step = weight.grid->step;
  const size_t stride = StepStride(ConstantDims(weight), *weight.grid);
  std::vector<float> w(codes.size());
  for (size_t i = 0; i < w.size(); ++i) {
    w[i] = static_cast<float>(codes[i] * step[i / stride % step.size()]);
  }
  return graph.AddFloatConstant(weight.name, ConstantDims(weight), std::move(w));
}

// A float node that holds an s8 weight: its input carries no codes.
bool NeedsFloatWeight(const Node& node) {
  const Edge* input = node.InEdge(node.In("Input") ? "Input" : "X");
  return input == nullptr || (!IsInt8(input->value->dtype) && !input->grid) ||
         !node.why_float.empty();
}

// The value rounded onto `grid`, as a float tensor that only `before` will read.
Value* RoundedCopy(Graph& graph, Value* value, const Grid& grid, const Node* before) {
  Value* codes = graph.AddValue(value->name + ".codes",
                                grid.is_unsigned ? DType::kUInt8 : DType::kInt8, value->dims);
  codes->grid = grid;
  Value* rounded = graph.AddValue(value->name + ".rounded", DType::kFloat32, value->dims);
  Node* quantize = graph.InsertBefore(before, "quantize", codes->name);
  graph.AddInput(quantize, "Input", value);
  graph.AddOutput(quantize, "Output", codes);
  Node* dequantize = graph.InsertBefore(before, "dequantize", rounded->name);
  graph.AddInput(dequantize, "Input", codes);
  graph.AddOutput(dequantize, "Output", rounded);
  return rounded;
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

Status WidenWeights(Graph& graph) {
  for (Node& node : graph.nodes()) {
    for (std::string_view slot : {"Filter", "W", "Y"}) {
      const Value* weight = node.In(slot);
      if (weight == nullptr || !weight->constant || weight->grid || weight->dtype != DType::kInt8 ||
          node.type.starts_with("elementwise_")) {
        continue;
      }
      const auto codes = weight->constant->As<int8_t>();
      graph.SetInput({&node, node.SlotIndex(slot), 0},
                     graph.AddFloatConstant(weight->name, ConstantDims(*weight),
                                            std::vector<float>(codes.begin(), codes.end())));
    }
  }
  return OkStatus();
}

Status StripGrids(Graph& graph) {
  for (Node& node : graph.nodes()) {
    for (graph::InSlot& slot : node.inputs) {
      for (Edge& edge : slot.edges) edge.grid.reset();
    }
  }
  return DequantizeWeights(graph);
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
