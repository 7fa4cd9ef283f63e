#include "passes/pattern.h"

#include <algorithm>
#include <set>

namespace skiff::passes {

using graph::Graph;
using graph::Node;
using graph::Value;

bool IsOneOf(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool IsConv2d(const Node& node) {
  return IsOneOf(node.type, {"conv2d", "depthwise_conv2d", "fused_conv2d"});
}

Node* OnlyReader(const Graph& graph, const Value* value) {
  if (value == nullptr || value->uses.size() != 1 || graph.IsOutput(value)) return nullptr;
  return value->uses[0].node;
}

std::string_view OtherSlot(std::string_view slot) { return slot == "X" ? "Y" : "X"; }

std::span<const float> FloatData(const Value* value) {
  if (value == nullptr || !value->constant || value->constant->dtype != DType::kFloat32) return {};
  return value->constant->As<float>();
}

const std::vector<int64_t>& ConstantDims(const Value& value) { return value.constant->dims; }

void TakeOutput(Graph& graph, Node* node, std::string_view slot, Value* value) {
  Node* former = value->producer;
  for (graph::OutSlot& s : former->outputs) std::erase(s.values, value);
  graph.RemoveOutputSlot(node, slot);
  graph.AddOutput(node, slot, value);
  node->name = value->name;
}

void RemoveDeadNodes(Graph& graph) {
  std::set<const Node*> alive;
  std::vector<const Node*> work;
  const auto mark = [&](const Value* value) {
    if (value->producer && alive.insert(value->producer).second) work.push_back(value->producer);
  };
  for (const Value* value : graph.outputs) mark(value);
  while (!work.empty()) {
    const Node* node = work.back();
    work.pop_back();
    for (const graph::InSlot& slot : node->inputs) {
      for (const graph::Edge& edge : slot.edges) mark(edge.value);
    }
  }
  for (auto it = graph.nodes().end(); it != graph.nodes().begin();) {
    Node* node = &*--it;
    const auto next = std::next(it);
    if (!alive.contains(node)) {
      graph.Erase(node);
      it = next;
    }
  }
}

}  // namespace skiff::passes
