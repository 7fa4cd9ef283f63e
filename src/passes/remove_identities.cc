// remove_identities: operators that copy their input at inference.
#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;

bool IsIdentity(const Node& node) {
  program::AttributeReader attributes = node.Attributes();
  if (node.type == "assign") return true;
  if (node.type == "quantize_linear" || node.type == "dequantize_linear") {
    return attributes.Bool("only_observer", false);
  }
  if (node.type == "dropout") {
    return attributes.String("dropout_implementation", "downgrade_in_infer") == "upscale_in_train";
  }
  if (node.type == "scale") {
    return node.In("ScaleTensor") == nullptr && attributes.Float("scale", 1) == 1 &&
           attributes.Float("bias", 0) == 0;
  }
  if (node.type == "cast") {
    const graph::Value* x = node.In("X");
    return x != nullptr && attributes.Int("out_dtype", -1) == static_cast<int64_t>(x->dtype);
  }
  return false;
}

}  // namespace

Status RemoveIdentities(Graph& graph) {
  for (auto it = graph.nodes().begin(); it != graph.nodes().end();) {
    Node* node = &*it++;
    const graph::Edge* edge = node->InEdge("X");
    graph::Value* out = node->Out("Out") != nullptr ? node->Out("Out") : node->Out("Y");
    if (edge == nullptr || edge->grid || out == nullptr || !IsIdentity(*node)) continue;
    graph.ReplaceUses(out, edge->value);
    graph.Erase(node);
  }
  return OkStatus();
}

}  // namespace skiff::passes
