// Binary operators with Paddle's broadcasting: arithmetic, comparisons, logic.
#include "ops/grids.h"
#include "ops/op_support.h"
#include "steps/eltwise_binary.h"

namespace skiff::ops {
std::span<const OpDef> elementwise_ops();
namespace {

using graph::Graph;
using graph::Node;
using kernels::BinaryOp;

struct Row {
  const char* name;
  BinaryOp op;
};

constexpr Row kRows[] = {
    {"elementwise_add", BinaryOp::kAdd},
    {"elementwise_sub", BinaryOp::kSub},
    {"elementwise_mul", BinaryOp::kMul},
    {"elementwise_div", BinaryOp::kDiv},
    {"elementwise_max", BinaryOp::kMax},
    {"elementwise_min", BinaryOp::kMin},
    {"elementwise_pow", BinaryOp::kPow},
    {"elementwise_mod", BinaryOp::kMod},
    {"elementwise_floordiv", BinaryOp::kFloorDiv},
    {"equal", BinaryOp::kEqual},
    {"not_equal", BinaryOp::kNotEqual},
    {"less_than", BinaryOp::kLessThan},
    {"less_equal", BinaryOp::kLessEqual},
    {"greater_than", BinaryOp::kGreaterThan},
    {"greater_equal", BinaryOp::kGreaterEqual},
    {"logical_and", BinaryOp::kLogicalAnd},
    {"logical_or", BinaryOp::kLogicalOr},
    {"logical_xor", BinaryOp::kLogicalXor},
};

const Row& RowOf(const Node& node) {
  for (const Row& row : kRows) {
    if (row.name == node.type) return row;
  }
  __builtin_unreachable();
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X", "Y"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, "X", "Y"));
  const Row& row = RowOf(node);
  const DType type = node.In("X")->dtype;
  if (kernels::SelectBinary(Isa::kScalar, row.op, type) == nullptr) {
    return Unsupported("operands of type " + std::string(Name(type)));
  }
  if (kernels::IsPredicate(row.op)) {
    SKIFF_RETURN_IF_ERROR(RequireType(node, "Out", {DType::kBool}));
  } else {
    SKIFF_RETURN_IF_ERROR(RequireSameType(node, "X", "Out"));
  }
  auto attributes = node.Attributes();
  attributes.Int("axis", -1);
  return attributes.status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  const graph::Value* x = node.In("X");
  const graph::Value* y = node.In("Y");
  const graph::Value* out = node.Out("Out");
  const Row& row = RowOf(node);
  steps::BinaryConfig config{.op = row.op,
                             .type = x->dtype,
                             .axis = node.Attributes().Int("axis", -1),
                             .nhwc_a = IsNhwc(x),
                             .nhwc_b = IsNhwc(y),
                             .nhwc_out = IsNhwc(out),
                             .codes = {},
                             .name = row.name};
  SKIFF_ASSIGN_OR_RETURN(config.codes, OutputGrid(*out));
  return Lowered{steps::MakeBinaryStep(context.isa, config), {x, y}, {out}};
}

}  // namespace

std::span<const OpDef> elementwise_ops() {
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
