// canonical_data_format: operators of models built with data_format NHWC become NCHW ones between
// transpose2 nodes. How data lie in memory is AssignLayouts' business, whatever the model says.
#include <vector>

#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

// The attribute that holds an operator's data format; empty for operators that have none.
std::string_view FormatAttribute(const Node& node) {
  if (IsConv2d(node) ||
      IsOneOf(node.type, {"conv2d_transpose", "depthwise_conv2d_transpose", "pool2d", "pad2d"})) {
    return "data_format";
  }
  if (IsOneOf(node.type, {"batch_norm", "nearest_interp", "nearest_interp_v2", "bilinear_interp",
                          "bilinear_interp_v2"})) {
    return "data_layout";
  }
  return {};
}

std::vector<int64_t> Permuted(const std::vector<int64_t>& dims, const std::vector<int32_t>& axis) {
  std::vector<int64_t> out;
  if (dims.size() != axis.size()) return dims;
  for (int32_t a : axis) out.push_back(dims[static_cast<size_t>(a)]);
  return out;
}

Value* Transpose(Graph& graph, Node* node, Value* value, const std::vector<int32_t>& axis,
                 const std::string& name) {
  node->SetAttribute("axis", program::AttrType::kInts, axis);
  graph.AddInput(node, "X", value);
  Value* out = graph.AddValue(name, value->dtype, Permuted(value->dims, axis));
  graph.AddOutput(node, "Out", out);
  return out;
}

void Canonicalise(Graph& graph, Node* node, std::string_view attribute) {
  const std::vector<int32_t> to_nchw = {0, 3, 1, 2};
  const std::vector<int32_t> to_nhwc = {0, 2, 3, 1};
  for (std::string_view slot : {"Input", "X", "ResidualData"}) {
    Value* value = node->In(slot);
    if (value == nullptr || value->dims.size() != 4) continue;
    Node* before = graph.InsertBefore(node, "transpose2", value->name + ".nchw");
    graph.SetInput({node, node->SlotIndex(slot), 0},
                   Transpose(graph, before, value, to_nchw, before->name));
  }
  for (std::string_view slot : {"Output", "Out", "Y"}) {
    Value* value = node->Out(slot);
    if (value == nullptr || value->dims.size() != 4) continue;
    graph.RemoveOutputSlot(node, slot);
    Value* inner =
        graph.AddValue(value->name + ".nchw", value->dtype, Permuted(value->dims, to_nchw));
    graph.AddOutput(node, slot, inner);
    Node* after = graph.InsertAfter(node, "transpose2", value->name);
    after->SetAttribute("axis", program::AttrType::kInts, to_nhwc);
    graph.AddInput(after, "X", inner);
    graph.AddOutput(after, "Out", value);
  }
  node->SetAttribute(attribute, program::AttrType::kString, std::string("NCHW"));
}

}  // namespace

Status CanonicalDataFormat(Graph& graph) {
  for (auto it = graph.nodes().begin(); it != graph.nodes().end();) {
    Node* node = &*it++;
    const std::string_view attribute = FormatAttribute(*node);
    if (attribute.empty() || node->Attributes().String(attribute, "NCHW") != "NHWC") continue;
    Canonicalise(graph, node, attribute);
  }
  return OkStatus();
}

}  // namespace skiff::passes
