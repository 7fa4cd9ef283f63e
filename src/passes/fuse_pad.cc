// fuse_pad: explicit zero padding in front of a convolution becomes the convolution's own. F.pad on
// a 4-D tensor is exported as unsqueeze2 (axis 2) + pad3d + squeeze2 (axis 2).
#include <array>

#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

bool HasAxes(const Node& node, int64_t axis) {
  program::AttributeReader attributes = node.Attributes();
  return node.inputs.size() == 1 && attributes.Ints("axes", {}) == std::vector<int64_t>{axis};
}

struct Padding {
  Value* source = nullptr;
  std::array<int64_t, 4> pads{};  // top, bottom, left, right
};

bool ZeroConstantMode(const Node& node, std::string_view value_attribute) {
  program::AttributeReader attributes = node.Attributes();
  return node.inputs.size() == 1 && attributes.String("mode", "constant") == "constant" &&
         attributes.Float(value_attribute, 0) == 0;
}

// The padding chain that ends in `value`, all of it read by nobody else; source null if there is
// none.
Padding FindPadding(const Graph& graph, const Value* value) {
  const Node* last = value->producer;
  if (last == nullptr || value->uses.size() != 1 || graph.IsOutput(value)) return {};
  if (last->type == "pad2d" && ZeroConstantMode(*last, "pad_value")) {
    const std::vector<int64_t> p = last->Attributes().Ints("paddings", {});
    if (p.size() == 4 && last->Attributes().String("data_format", "NCHW") == "NCHW") {
      return {last->In("X"), {p[0], p[1], p[2], p[3]}};
    }
    return {};
  }
  if (last->type != "squeeze2" || !HasAxes(*last, 2)) return {};
  const Node* pad = last->In("X")->producer;
  if (pad == nullptr || pad->type != "pad3d" || !graph.OnlyUsedBy(last->In("X"), last) ||
      !ZeroConstantMode(*pad, "value") ||
      pad->Attributes().String("data_format", "NCDHW") != "NCDHW") {
    return {};
  }
  const Node* first = pad->In("X")->producer;
  const std::vector<int64_t> p = pad->Attributes().Ints("paddings", {});
  if (first == nullptr || first->type != "unsqueeze2" || !HasAxes(*first, 2) || p.size() != 6 ||
      p[4] != 0 || p[5] != 0 || !graph.OnlyUsedBy(pad->In("X"), pad)) {
    return {};
  }
  return {first->In("X"), {p[2], p[3], p[0], p[1]}};
}

// Explicit paddings of a convolution as top, bottom, left, right; false for SAME and odd forms.
bool ExplicitPads(const Node& conv, std::array<int64_t, 4>* pads) {
  program::AttributeReader attributes = conv.Attributes();
  if (attributes.String("padding_algorithm", "EXPLICIT") == "SAME") return false;
  std::vector<int64_t> p = attributes.Ints("paddings", {0, 0});
  if (attributes.String("padding_algorithm", "EXPLICIT") == "VALID") p = {0, 0};
  if (p.size() == 2) p = {p[0], p[0], p[1], p[1]};
  if (p.size() != 4) return false;
  std::copy(p.begin(), p.end(), pads->begin());
  return true;
}

void FuseInto(Graph& graph, Node* conv) {
  const Value* input = conv->In("Input");
  std::array<int64_t, 4> pads{};
  if (input == nullptr || !ExplicitPads(*conv, &pads) ||
      conv->Attributes().String("data_format", "NCHW") == "NHWC") {
    return;
  }
  const Padding padding = FindPadding(graph, input);
  if (padding.source == nullptr) return;
  std::vector<int32_t> sum;
  for (size_t i = 0; i < 4; ++i) {
    const int64_t p = pads[i] + padding.pads[i];
    if (padding.pads[i] < 0 || p > (1 << 20)) return;
    sum.push_back(static_cast<int32_t>(p));
  }
  graph.SetInput({conv, conv->SlotIndex("Input"), 0}, padding.source);
  conv->SetAttribute("paddings", program::AttrType::kInts, std::move(sum));
  conv->SetAttribute("padding_algorithm", program::AttrType::kString, std::string("EXPLICIT"));
}

}  // namespace

Status FusePad(Graph& graph) {
  for (Node& node : graph.nodes()) {
    if (IsConv2d(node)) FuseInto(graph, &node);
  }
  RemoveDeadNodes(graph);
  return OkStatus();
}

}  // namespace skiff::passes
