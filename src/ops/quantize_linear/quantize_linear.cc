// quantize_linear and dequantize_linear, run literally in float: codes are floats too, but those of
// weights, which files hold as int8.
#include "ops/op_support.h"
#include "program/own_attributes.h"
#include "steps/eltwise_unary.h"
#include "steps/fake_quantize.h"

namespace skiff::ops {
std::span<const OpDef> quantize_linear_ops();
namespace {

using graph::Graph;
using graph::Node;
using kernels::FakeQuantize;
using steps::FakeQuantizeConfig;

struct Parsed {
  FakeQuantizeConfig config;
  bool only_observer = false;
};

Result<Parsed> Parse(const Node& node) {
  auto attributes = node.Attributes();
  const int64_t bits = attributes.Int("bit_length", 8);
  const int64_t round = attributes.Int("round_type", 0);
  Parsed parsed;
  parsed.only_observer = attributes.Bool("only_observer", false);
  FakeQuantizeConfig& config = parsed.config;
  config.axis = attributes.Int("quant_axis", -1);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (bits < 2 || bits > 16) return Unsupported("bit_length " + std::to_string(bits));
  if (round != 0 && round != 1) return Unsupported("round_type " + std::to_string(round));
  if (config.axis < -1 || config.axis > 1) {
    return Unsupported("quant_axis " + std::to_string(config.axis));
  }
  const bool full_range = attributes.Bool(program::kFullRange, false);
  config.bound = static_cast<float>((int64_t{1} << (full_range ? bits : bits - 1)) - 1);
  if (node.type == "dequantize_linear") {
    config.mode = FakeQuantize::kDequantize;
  } else {
    config.mode = round == 0 ? FakeQuantize::kQuantizeHalfEven : FakeQuantize::kQuantizeHalfAway;
  }
  config.src_type = node.In("X")->dtype;
  config.nhwc = IsNhwc(node.In("X"));
  return parsed;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X", "Scale"}, {"Y"}));
  if (node.type == "quantize_linear") {
    SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32}));
  } else {
    SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32, DType::kInt8}));
  }
  SKIFF_RETURN_IF_ERROR(RequireType(node, "Scale", {DType::kFloat32}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "Y", {DType::kFloat32}));
  SKIFF_ASSIGN_OR_RETURN(const Parsed parsed, Parse(node));
  if (parsed.only_observer && parsed.config.src_type != DType::kFloat32) {
    return Unsupported("only_observer with int8 codes");
  }
  return OkStatus();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const Parsed parsed, Parse(node));
  if (parsed.only_observer) {
    return Lowered{steps::MakeUnaryStep(context.isa, kernels::UnaryOp::kCopy, {}),
                   {node.In("X")},
                   {node.Out("Y")}};
  }
  return Lowered{steps::MakeFakeQuantizeStep(context.isa, parsed.config),
                 {node.In("X"), node.In("Scale")},
                 {node.Out("Y")}};
}

}  // namespace

std::span<const OpDef> quantize_linear_ops() {
  static constexpr OpDef kOps[] = {
      {"quantize_linear", Check, Lower, LayoutRule::kFollow},
      {"dequantize_linear", Check, Lower, LayoutRule::kFollow},
  };
  return kOps;
}

}  // namespace skiff::ops
