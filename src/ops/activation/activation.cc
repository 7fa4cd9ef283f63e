// Operators that map every float by itself: one row each.
#include <cmath>
#include <string_view>

#include "ops/grids.h"
#include "ops/op_support.h"
#include "steps/eltwise_unary.h"

namespace skiff::ops {
std::span<const OpDef> activation_ops();
namespace {

using graph::Graph;
using graph::Node;
using kernels::UnaryOp;
using kernels::UnaryParams;
using program::AttributeReader;

struct Kernel {
  UnaryOp op;
  UnaryParams params = {};
};

template <UnaryOp op>
Kernel Plain(AttributeReader& /*attributes*/) {
  return {op};
}

Kernel LeakyRelu(AttributeReader& a) { return {UnaryOp::kLeakyRelu, {a.Float("alpha", 0.02F)}}; }
Kernel Elu(AttributeReader& a) { return {UnaryOp::kElu, {a.Float("alpha", 1.0F)}}; }
Kernel Brelu(AttributeReader& a) {
  return {UnaryOp::kClip, {a.Float("t_min", 0.0F), a.Float("t_max", 24.0F)}};
}
Kernel Clip(AttributeReader& a) {
  return {UnaryOp::kClip, {a.Float("min", 0.0F), a.Float("max", 0.0F)}};
}
Kernel HardSigmoid(AttributeReader& a) {
  return {UnaryOp::kHardSigmoid, {a.Float("slope", 0.2F), a.Float("offset", 0.5F)}};
}
Kernel Gelu(AttributeReader& a) {
  return {a.Bool("approximate", false) ? UnaryOp::kGeluTanh : UnaryOp::kGeluErf};
}
Kernel Softplus(AttributeReader& a) {
  return {UnaryOp::kSoftplus, {a.Float("beta", 1.0F), a.Float("threshold", 20.0F)}};
}
Kernel ThresholdedRelu(AttributeReader& a) {
  return {UnaryOp::kThresholdedRelu, {a.Float("threshold", 1.0F)}};
}
Kernel HardShrink(AttributeReader& a) {
  return {UnaryOp::kHardShrink, {a.Float("threshold", 0.5F)}};
}
Kernel SoftShrink(AttributeReader& a) { return {UnaryOp::kSoftShrink, {a.Float("lambda", 0.5F)}}; }
Kernel Pow(AttributeReader& a) { return {UnaryOp::kPow, {a.Float("factor", 1.0F)}}; }

struct Row {
  std::string_view name;
  Kernel (*parse)(AttributeReader& attributes);
  // Slots of scalar tensors that override parameters a and b.
  std::string_view tensor_a = {};
  std::string_view tensor_b = {};
};

// Attributes that Paddle's own kernels ignore (threshold of relu6, beta of swish, threshold, scale
// and offset of hard_swish) are ignored here as well.
constexpr Row kRows[] = {
    {"relu", Plain<UnaryOp::kRelu>},
    {"relu6", Plain<UnaryOp::kRelu6>},
    {"leaky_relu", LeakyRelu},
    {"thresholded_relu", ThresholdedRelu},
    {"brelu", Brelu},
    {"clip", Clip, "Min", "Max"},
    {"elu", Elu},
    {"sigmoid", Plain<UnaryOp::kSigmoid>},
    {"logsigmoid", Plain<UnaryOp::kLogSigmoid>},
    {"hard_sigmoid", HardSigmoid},
    {"hard_swish", Plain<UnaryOp::kHardSwish>},
    {"swish", Plain<UnaryOp::kSwish>},
    {"silu", Plain<UnaryOp::kSwish>},
    {"tanh", Plain<UnaryOp::kTanh>},
    {"gelu", Gelu},
    {"mish", Plain<UnaryOp::kMish>},
    {"softplus", Softplus},
    {"softsign", Plain<UnaryOp::kSoftsign>},
    {"hard_shrink", HardShrink},
    {"softshrink", SoftShrink},
    {"exp", Plain<UnaryOp::kExp>},
    {"log", Plain<UnaryOp::kLog>},
    {"erf", Plain<UnaryOp::kErf>},
    {"sqrt", Plain<UnaryOp::kSqrt>},
    {"rsqrt", Plain<UnaryOp::kRsqrt>},
    {"square", Plain<UnaryOp::kSquare>},
    {"pow", Pow, "FactorTensor"},
    {"reciprocal", Plain<UnaryOp::kReciprocal>},
    {"abs", Plain<UnaryOp::kAbs>},
    {"sign", Plain<UnaryOp::kSign>},
    {"floor", Plain<UnaryOp::kFloor>},
    {"ceil", Plain<UnaryOp::kCeil>},
    {"round", Plain<UnaryOp::kRound>},
};

const Row& RowOf(const Node& node) {
  for (const Row& row : kRows) {
    if (row.name == node.type) return row;
  }
  __builtin_unreachable();
}

Result<Kernel> Parse(const Node& node) {
  const Row& row = RowOf(node);
  AttributeReader attributes = node.Attributes();
  Kernel kernel = row.parse(attributes);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  const auto override = [&](std::string_view slot, float* value) -> Status {
    const graph::Value* tensor = slot.empty() ? nullptr : node.In(slot);
    if (tensor == nullptr) return OkStatus();
    const auto scalar = ConstantScalar(tensor);
    if (!scalar) return Unsupported("slot " + std::string(slot) + " is not a constant scalar");
    *value = static_cast<float>(*scalar);
    return OkStatus();
  };
  SKIFF_RETURN_IF_ERROR(override(row.tensor_a, &kernel.params.a));
  SKIFF_RETURN_IF_ERROR(override(row.tensor_b, &kernel.params.b));
  return kernel;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "Out", {DType::kFloat32}));
  return Parse(node).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  SKIFF_ASSIGN_OR_RETURN(const Kernel kernel, Parse(context.node));
  SKIFF_ASSIGN_OR_RETURN(const auto codes, OutputGrid(*context.node.Out("Out")));
  return Lowered{steps::MakeUnaryStep(context.isa, kernel.op, kernel.params, codes),
                 {context.node.In("X")},
                 {context.node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> activation_ops() {
  static const auto* ops = [] {
    auto* made = new std::vector<OpDef>;
    for (const Row& row : kRows) {
      made->push_back({row.name, Check, Lower, LayoutRule::kFollow, nullptr, true});
    }
    return made;
  }();
  return *ops;
}

}  // namespace skiff::ops
