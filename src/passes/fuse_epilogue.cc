// fuse_residual and fuse_activation: what follows a convolution goes into its epilogue.
#include <unordered_map>

#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

bool HasActivation(const Node& node) {
  return !node.Attributes().String("fuse_activation", "").empty();
}

// A convolution whose output only `add` reads, through an edge that rounds nothing.
Node* FusableConv(const Graph& graph, const Node* add, std::string_view slot) {
  const graph::Edge* edge = add->InEdge(slot);
  if (edge == nullptr || edge->grid || edge->value->producer == nullptr) return nullptr;
  Node* conv = edge->value->producer;
  const bool fits = IsConv2d(*conv) && conv->In("ResidualData") == nullptr &&
                    !HasActivation(*conv) && graph.OnlyUsedBy(edge->value, add);
  return fits ? conv : nullptr;
}

// Where each node stands in the order of execution.
using Positions = std::unordered_map<const Node*, int>;

void FuseAdd(Graph& graph, Node* add, Positions& positions) {
  const graph::Edge* x = add->InEdge("X");
  const graph::Edge* y = add->InEdge("Y");
  if (x == nullptr || y == nullptr || x->value == y->value) return;
  // No broadcast: the declared extents are the same, unknown ones at the same places.
  if (x->value->dims.size() != 4 || x->value->dims != y->value->dims || x->value->constant ||
      y->value->constant || x->value->dtype != DType::kFloat32 ||
      y->value->dtype != DType::kFloat32) {
    return;
  }
  Node* a = FusableConv(graph, add, "X");
  Node* b = FusableConv(graph, add, "Y");
  if (a == nullptr && b == nullptr) return;
  // Of two convolutions the later one adds the other's result.
  const bool take_x = b == nullptr || (a != nullptr && positions[b] < positions[a]);
  Node* conv = take_x ? a : b;
  const graph::Edge residual = *add->InEdge(take_x ? "Y" : "X");
  if (residual.grid) return;    // its rounding is a node of its own
  graph.MoveBefore(add, conv);  // behind the residual's producer
  positions[conv] = positions[add];
  graph.AddInput(conv, "ResidualData", residual.value);
  TakeOutput(graph, conv, "Output", add->Out("Out"));
  graph.Erase(add);
}

struct FusedActivation {
  float alpha = 0;
  float beta = 0;
};

// Alpha and beta as Paddle's fused convolutions name them; false when the activation cannot be
// fused.
bool ReadActivation(const Node& node, FusedActivation* activation) {
  program::AttributeReader attributes = node.Attributes();
  if (node.type == "leaky_relu") {
    activation->alpha = attributes.Float("alpha", 0.02F);
    return true;
  }
  if (node.type == "hard_sigmoid") {
    *activation = {attributes.Float("slope", 0.2F), attributes.Float("offset", 0.5F)};
    return true;
  }
  return IsOneOf(node.type, {"relu", "relu6", "hard_swish", "sigmoid", "swish", "tanh"});
}

void FuseActivationInto(Graph& graph, Node* node) {
  const bool fc = node->type == "fc";
  const bool conv =
      IsConv2d(*node) || IsOneOf(node->type, {"conv2d_transpose", "depthwise_conv2d_transpose"});
  if (!fc && !conv) return;
  const std::string slot = fc ? "Out" : "Output";
  const std::string attribute = fc ? "activation_type" : "fuse_activation";
  const Value* out = node->Out(slot);
  if (out == nullptr || !node->Attributes().String(attribute, "").empty()) return;
  Node* act = OnlyReader(graph, out);
  FusedActivation activation;
  if (act == nullptr || act->InEdge("X") == nullptr || act->InEdge("X")->grid ||
      act->inputs.size() != 1 || !ReadActivation(*act, &activation)) {
    return;
  }
  if (fc && act->type != "relu") return;  // Paddle's fc knows no other
  node->SetAttribute(attribute, program::AttrType::kString, act->type);
  if (conv) {
    node->SetAttribute("fuse_alpha", program::AttrType::kFloat, activation.alpha);
    node->SetAttribute("fuse_beta", program::AttrType::kFloat, activation.beta);
  }
  TakeOutput(graph, node, slot, act->Out("Out"));
  graph.Erase(act);
}

}  // namespace

Status FuseResidual(Graph& graph) {
  Positions positions;
  for (const Node& node : graph.nodes()) {
    positions.emplace(&node, static_cast<int>(positions.size()));
  }
  for (auto it = graph.nodes().begin(); it != graph.nodes().end();) {
    Node* node = &*it++;
    if (node->type == "elementwise_add") FuseAdd(graph, node, positions);
  }
  return OkStatus();
}

Status FuseActivation(Graph& graph) {
  for (auto it = graph.nodes().begin(); it != graph.nodes().end(); ++it) {
    FuseActivationInto(graph, &*it);
  }
  return OkStatus();
}

}  // namespace skiff::passes
