// to_bfloat16: the same elements rounded to bfloat16, perhaps in another memory layout.
#include "steps/to_bfloat16.h"

#include "onednn/isa_cap.h"
#include "ops/op_support.h"

namespace skiff::ops {
std::span<const OpDef> to_bfloat16_ops();
namespace {

Status Check(const graph::Graph& /*graph*/, const graph::Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32}));
  if (node.Out("Out")->dtype == DType::kBFloat16) return OkStatus();
  return Unsupported("Out is not bfloat16");
}

Result<Lowered> Lower(const LowerContext& context) {
  onednn::CapIsa(context.isa);
  const graph::Value* in = context.node.In("X");
  const graph::Value* out = context.node.Out("Out");
  const auto layout = [](const graph::Value* value) {
    return IsNhwc(value) ? steps::MemoryLayout::kNhwc : steps::MemoryLayout::kPlain;
  };
  return Lowered{steps::MakeToBfloat16(layout(in), layout(out)), {in}, {out}};
}

}  // namespace

std::span<const OpDef> to_bfloat16_ops() {
  static constexpr OpDef kOps[] = {{"to_bfloat16", Check, Lower, LayoutRule::kFollow}};
  return kOps;
}

}  // namespace skiff::ops
