// place_bfloat16: convolutions and fully connected layers that are float multiply bfloat16. A value
// is stored as bfloat16 where such a node writes it and nothing but such nodes reads it; where they
// read anything else, one to_bfloat16 node serves them all.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Edge;
using graph::Graph;
using graph::Node;
using graph::Use;
using graph::Value;

Value* OutputOf(const Node& node) { return node.Out(IsConv2d(node) ? "Output" : "Out"); }

// Float arithmetic on parameters by oneDNN's primitives.
bool IsCandidate(const Node& node) {
  if (!IsConv2d(node) && node.type != "fc") return false;
  const Edge* input = node.InEdge("Input");
  const Value* weight = node.In(IsConv2d(node) ? "Filter" : "W");
  const Value* output = OutputOf(node);
  const Value* residual = node.In("ResidualData");
  return input != nullptr && !input->grid && input->value->dtype == DType::kFloat32 &&
         weight != nullptr && weight->constant && weight->dtype == DType::kFloat32 &&
         output != nullptr && output->dtype == DType::kFloat32 &&
         (residual == nullptr || residual->dtype == DType::kFloat32);
}

class Placer {
 public:
  Placer(Graph& graph, std::span<const std::string> types) : graph_(graph), types_(types) {}

  void Run() {
    for (Node& node : graph_.nodes()) {
      if (!IsCandidate(node) || !IsWanted(node)) continue;
      placed_.insert(&node);
      if (!graph_.IsOutput(OutputOf(node))) stored_.insert(OutputOf(node));
    }
    while (DropOne()) {
    }
    for (Value* value : stored_) value->dtype = DType::kBFloat16;
    for (Node& node : graph_.nodes()) {
      if (placed_.contains(&node)) ConvertInputs(node);
    }
  }

 private:
  // "conv2d" stands for its other names too.
  bool IsWanted(const Node& node) {
    const auto has = [this](std::string_view type) {
      return std::find(types_.begin(), types_.end(), type) != types_.end();
    };
    return types_.empty() || has(node.type) || (IsConv2d(node) && has("conv2d")) ||
           (node.type == "fc" && (has("mul") || has("matmul") || has("matmul_v2")));
  }

  // What a node adds lies as what it writes.
  [[nodiscard]] bool ReadsBfloat16(const Use& use) const {
    if (!placed_.contains(use.node)) return false;
    const std::string& slot = use.node->inputs[static_cast<size_t>(use.slot)].name;
    return slot == "Input" || (slot == "ResidualData" && stored_.contains(OutputOf(*use.node)));
  }

  // One value less changes what its producer's residual must be: repeated until none is left.
  bool DropOne() {
    for (Value* value : stored_) {
      const bool fits = std::all_of(value->uses.begin(), value->uses.end(),
                                    [this](const Use& use) { return ReadsBfloat16(use); });
      if (fits) continue;
      stored_.erase(value);
      return true;
    }
    return false;
  }

  void ConvertInputs(Node& node) {
    for (size_t s = 0; s < node.inputs.size(); ++s) {
      for (size_t e = 0; e < node.inputs[s].edges.size(); ++e) {
        const Use use{&node, static_cast<int>(s), static_cast<int>(e)};
        Value* value = node.inputs[s].edges[e].value;
        if (value->dtype == DType::kFloat32 && ReadsBfloat16(use)) {
          graph_.SetInput(use, Converted(value, &node));
        }
      }
    }
  }

  Value* Converted(Value* value, const Node* before) {
    Value*& copy = copies_[value];
    if (copy != nullptr) return copy;
    copy = graph_.AddValue(value->name, DType::kBFloat16, value->dims);
    copy->layout = value->layout;
    // Rounds and changes the layout at once.
    const bool moved = value->producer != nullptr && value->producer->type == "transfer_layout";
    Value* from = moved ? value->producer->In("X") : value;
    Node* node = value->producer != nullptr
                     ? graph_.InsertAfter(value->producer, "to_bfloat16", value->name)
                     : graph_.InsertBefore(before, "to_bfloat16", value->name);
    graph_.AddInput(node, "X", from);
    graph_.AddOutput(node, "Out", copy);
    return copy;
  }

  Graph& graph_;
  std::span<const std::string> types_;
  std::unordered_set<const Node*> placed_;
  std::unordered_set<Value*> stored_;  // as bfloat16
  std::unordered_map<Value*, Value*> copies_;
};

}  // namespace

Status PlaceBfloat16(Graph& graph, std::span<const std::string> types) {
  Placer(graph, types).Run();
  return OkStatus();
}

}  // namespace skiff::passes
