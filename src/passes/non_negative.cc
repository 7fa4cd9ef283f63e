#include "passes/non_negative.h"

#include <algorithm>

#include "passes/pattern.h"

namespace skiff::passes {

using graph::Edge;
using graph::Node;
using graph::Value;

bool NonNegative::operator()(const Value* value) {
  const auto [it, fresh] = known_.emplace(value, false);
  if (fresh) {
    const bool result = Decide(value);
    known_[value] = result;
    return result;
  }
  return it->second;
}

bool NonNegative::Decide(const Value* value) {
  const Node* node = value->producer;
  if (node == nullptr) return false;
  if (IsOneOf(node->type, {"relu", "relu6", "sigmoid", "softmax", "hard_sigmoid", "abs", "square",
                           "sqrt", "exp", "brelu"})) {
    return true;
  }
  const std::string fused =
      node->Attributes().String(node->type == "fc" ? "activation_type" : "fuse_activation", "");
  if (!fused.empty()) return IsOneOf(fused, {"relu", "relu6", "sigmoid", "hard_sigmoid"});
  if (IsOneOf(node->type, {"pool2d",
                           "reshape2",
                           "reshape",
                           "transpose2",
                           "transpose",
                           "flatten",
                           "flatten2",
                           "flatten_contiguous_range",
                           "squeeze2",
                           "unsqueeze2",
                           "squeeze",
                           "unsqueeze",
                           "concat",
                           "slice",
                           "split",
                           "nearest_interp",
                           "nearest_interp_v2",
                           "bilinear_interp",
                           "bilinear_interp_v2",
                           "elementwise_add",
                           "elementwise_mul",
                           "elementwise_max",
                           "max_pool2d_with_index",
                           "dropout"})) {
    return AllInputs(*node);
  }
  return false;
}

bool NonNegative::AllInputs(const Node& node) {
  for (const graph::InSlot& slot : node.inputs) {
    for (const Edge& edge : slot.edges) {
      const std::span<const float> data = FloatData(edge.value);
      const bool fine = edge.value->constant
                            ? !data.empty() && std::all_of(data.begin(), data.end(),
                                                           [](float x) { return x >= 0; })
                            : (*this)(edge.value);
      // Integer operands give shapes and indices, not values.
      if (!fine && edge.value->dtype == DType::kFloat32) return false;
    }
  }
  return true;
}

}  // namespace skiff::passes
