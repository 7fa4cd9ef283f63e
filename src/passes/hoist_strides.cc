// hoist_strides: where every reader of a convolution's result takes each s-th row and column alone,
// as 1x1 convolutions with stride s do, the convolution computes nothing else: it takes over the
// stride. Its residual, if it has one, is thinned out by a 1x1 maximum with that stride. Of a stage
// of ResNet50, whose next stage begins with such convolutions, this spares three quarters of the
// last block's 3x3 and expanding convolutions. The same sums are rounded in the same way.
#include <array>
#include <optional>

#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Use;
using graph::Value;

using Stride = std::array<int64_t, 2>;  // height, width

// An attribute of one value or two.
std::optional<Stride> Pair(const Node& node, std::string_view attribute, int64_t fallback) {
  const std::vector<int64_t> v = node.Attributes().Ints(attribute, {fallback, fallback});
  if (v.size() == 1) return Stride{v[0], v[0]};
  return v.size() == 2 ? std::optional<Stride>({v[0], v[1]}) : std::nullopt;
}

void SetPair(Node* node, std::string_view attribute, Stride value) {
  node->SetAttribute(
      attribute, program::AttrType::kInts,
      std::vector<int32_t>{static_cast<int32_t>(value[0]), static_cast<int32_t>(value[1])});
}

bool HasNoPadding(const Node& node) {
  program::AttributeReader attributes = node.Attributes();
  // Under a 1x1 window SAME and VALID mean no padding, whatever `paddings` holds.
  if (attributes.String("padding_algorithm", "EXPLICIT") != "EXPLICIT") return true;
  for (const int64_t pad : attributes.Ints("paddings", {0, 0})) {
    if (pad != 0) return false;
  }
  return true;
}

bool IsPointwise(const Node& conv) {
  const Value* filter = conv.In("Filter");
  if (filter == nullptr || !filter->constant) return false;
  const std::vector<int64_t>& dims = ConstantDims(*filter);
  return dims.size() == 4 && dims[2] == 1 && dims[3] == 1 && HasNoPadding(conv);
}

// A maximum over windows of one element: what this pass thins residuals out with.
bool IsThinning(const Node& node) {
  program::AttributeReader attributes = node.Attributes();
  return node.type == "pool2d" && attributes.String("pooling_type", "") == "max" &&
         Pair(node, "ksize", 0) == Stride{1, 1} && HasNoPadding(node) &&
         !attributes.Bool("global_pooling", false) && !attributes.Bool("adaptive", false) &&
         !attributes.Bool("ceil_mode", false);
}

// The stride at which `use` reads, {1, 1} where it reads everything.
Stride StrideOfReader(const Use& use) {
  const std::string& slot = use.node->inputs[static_cast<size_t>(use.slot)].name;
  const bool reads = IsConv2d(*use.node) ? slot == "Input" && IsPointwise(*use.node)
                                         : slot == "X" && IsThinning(*use.node);
  return reads ? Pair(*use.node, "strides", 1).value_or(Stride{1, 1}) : Stride{1, 1};
}

// The stride that all readers share.
Stride StrideOfReaders(const Graph& graph, const Value& value) {
  if (value.uses.empty() || graph.IsOutput(&value)) return {1, 1};
  const Stride stride = StrideOfReader(value.uses.front());
  for (const Use& use : value.uses) {
    if (StrideOfReader(use) != stride) return {1, 1};
  }
  return stride;
}

// SAME's padding depends on the stride, so that only a 1x1 kernel can take another.
bool MayTakeStride(const Node& conv) {
  return IsPointwise(conv) || conv.Attributes().String("padding_algorithm", "EXPLICIT") != "SAME";
}

std::vector<int64_t> Thinned(std::vector<int64_t> dims, Stride stride) {
  for (size_t i = 0; i < 2 && dims.size() == 4; ++i) {
    int64_t& extent = dims[2 + i];
    if (extent > 0) extent = (extent - 1) / stride[i] + 1;
  }
  return dims;
}

void ThinOutResidual(Graph& graph, Node* conv, Stride stride) {
  const Value* residual = conv->In("ResidualData");
  if (residual == nullptr) return;
  const std::string name = residual->name + ".thinned_for." + conv->name;
  Value* thinned = graph.AddValue(name, residual->dtype, Thinned(residual->dims, stride));
  thinned->grid = residual->grid;
  Node* pool = graph.InsertBefore(conv, "pool2d", name);
  pool->SetAttribute("pooling_type", program::AttrType::kString, std::string("max"));
  SetPair(pool, "ksize", {1, 1});
  SetPair(pool, "paddings", {0, 0});
  SetPair(pool, "strides", stride);
  graph.AddInput(pool, "X", conv->In("ResidualData"));
  graph.AddOutput(pool, "Out", thinned);
  graph.SetInput({conv, conv->SlotIndex("ResidualData"), 0}, thinned);
}

// The readers read everything there is.
void DropStrideOfReaders(Graph& graph, Value* value) {
  const std::vector<Use> uses = value->uses;
  for (const Use& use : uses) {
    if (IsConv2d(*use.node)) {
      SetPair(use.node, "strides", {1, 1});
    } else {
      graph.ReplaceUses(use.node->Out("Out"), value);
      graph.Erase(use.node);
    }
  }
}

void HoistInto(Graph& graph, Node* conv) {
  Value* out = conv->Out("Output");
  const std::optional<Stride> own = Pair(*conv, "strides", 1);
  if (out == nullptr || !own || !MayTakeStride(*conv)) return;
  const Stride stride = StrideOfReaders(graph, *out);
  if (stride == Stride{1, 1}) return;
  SetPair(conv, "strides", {(*own)[0] * stride[0], (*own)[1] * stride[1]});
  out->dims = Thinned(out->dims, stride);
  ThinOutResidual(graph, conv, stride);
  DropStrideOfReaders(graph, out);
}

}  // namespace

Status HoistStrides(Graph& graph) {
  // From the end, so that a stride may climb over several convolutions.
  for (auto it = graph.nodes().end(); it != graph.nodes().begin();) {
    Node* node = &*--it;
    if (IsConv2d(*node)) HoistInto(graph, node);
  }
  return OkStatus();
}

}  // namespace skiff::passes
