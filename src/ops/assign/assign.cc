// assign and dropout: what is left of them in inference is the array itself, or a multiple of it.
#include "ops/op_support.h"
#include "steps/alias.h"
#include "steps/eltwise_unary.h"

namespace skiff::ops {
std::span<const OpDef> assign_ops();
namespace {

using graph::Graph;
using graph::Node;

Status CheckAssign(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, "X"));
  return RequireSameType(node, "X", "Out");
}

Result<Lowered> LowerAssign(const LowerContext& context) {
  return Lowered{steps::MakeIdentityStep(context.node.In("X")->dtype),
                 {context.node.In("X")},
                 {context.node.Out("Out")}};
}

// What dropout multiplies by: 1 - p where training left the survivors as they were.
Result<float> DropoutFactor(const Node& node) {
  auto attributes = node.Attributes();
  const float p = attributes.Float("dropout_prob", 0.5F);
  const std::string how = attributes.String("dropout_implementation", "downgrade_in_infer");
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (how == "upscale_in_train") return 1.0F;
  if (how != "downgrade_in_infer") return Unsupported("dropout_implementation " + how);
  if (!(p >= 0 && p <= 1)) return InvalidArgument("dropout_prob " + std::to_string(p));
  return 1.0F - p;
}

Status CheckDropout(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_ASSIGN_OR_RETURN(const float factor, DropoutFactor(node));
  if (factor != 1.0F) SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32}));
  return RequireSameType(node, "X", "Out");
}

Result<Lowered> LowerDropout(const LowerContext& context) {
  SKIFF_ASSIGN_OR_RETURN(const float factor, DropoutFactor(context.node));
  if (factor == 1.0F) return LowerAssign(context);
  return Lowered{steps::MakeUnaryStep(context.isa, kernels::UnaryOp::kScaleThenAdd, {factor, 0.0F}),
                 {context.node.In("X")},
                 {context.node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> assign_ops() {
  static constexpr OpDef kOps[] = {
      {"assign", CheckAssign, LowerAssign, LayoutRule::kFollow},
      {"dropout", CheckDropout, LowerDropout, LayoutRule::kFollow},
  };
  return kOps;
}

}  // namespace skiff::ops
