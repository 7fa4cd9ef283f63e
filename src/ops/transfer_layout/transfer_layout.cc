// transfer_layout: the same elements in another memory layout.
#include "ops/op_support.h"
#include "steps/convert_steps.h"

namespace skiff::ops {
std::span<const OpDef> transfer_layout_ops();
namespace {

using graph::Graph;
using graph::Node;

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, "X", "Out"));
  return RequireKnownType(node, "X");
}

Result<Lowered> Lower(const LowerContext& context) {
  const graph::Value* in = context.node.In("X");
  const graph::Value* out = context.node.Out("Out");
  const auto layout = [](const graph::Value* value) {
    return IsNhwc(value) ? steps::MemoryLayout::kNhwc : steps::MemoryLayout::kPlain;
  };
  Lowered lowered;
  SKIFF_ASSIGN_OR_RETURN(
      lowered.step, steps::MakeTransferLayout(in->dtype, layout(in), layout(out), context.isa));
  lowered.inputs = {in};
  lowered.outputs = {out};
  return lowered;
}

}  // namespace

std::span<const OpDef> transfer_layout_ops() {
  static constexpr OpDef kOps[] = {{"transfer_layout", Check, Lower, LayoutRule::kFollow}};
  return kOps;
}

}  // namespace skiff::ops
