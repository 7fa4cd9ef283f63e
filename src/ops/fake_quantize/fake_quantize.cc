// The fake_* operators of quantisation-aware training and of post-training quantisation in the old
// format, in their inference form, run literally in float.
#include "steps/fake_quantize.h"

#include <algorithm>
#include <cmath>

#include "ops/op_support.h"
#include "steps/eltwise_unary.h"

namespace skiff::ops {
std::span<const OpDef> fake_quantize_ops();
namespace {

using graph::Graph;
using graph::Node;
using kernels::FakeQuantize;
using steps::FakeQuantizeConfig;

enum class Range { kGiven, kAbsMax, kChannelAbsMax };

struct Row {
  std::string_view name;
  Range range;
  bool dequantizes;
};

constexpr Row kQuantizers[] = {
    {"fake_quantize_abs_max", Range::kAbsMax, false},
    {"fake_quantize_range_abs_max", Range::kGiven, false},
    {"fake_quantize_moving_average_abs_max", Range::kGiven, false},
    {"fake_channel_wise_quantize_abs_max", Range::kChannelAbsMax, false},
    {"fake_quantize_dequantize_abs_max", Range::kAbsMax, true},
    {"fake_quantize_dequantize_moving_average_abs_max", Range::kGiven, true},
    {"fake_channel_wise_quantize_dequantize_abs_max", Range::kChannelAbsMax, true},
};

const Row& RowOf(const Node& node) {
  for (const Row& row : kQuantizers) {
    if (row.name == node.type) return row;
  }
  __builtin_unreachable();
}

// 2^(bits - 1) - 1.
Result<float> Bound(int64_t bits) {
  if (bits < 2 || bits > 16) return Unsupported("bit_length " + std::to_string(bits));
  return static_cast<float>((int64_t{1} << (bits - 1)) - 1);
}

Status RequireFloats(const Node& node, std::initializer_list<std::string_view> slots) {
  for (std::string_view slot : slots) {
    SKIFF_RETURN_IF_ERROR(RequireType(node, slot, {DType::kFloat32}));
  }
  return OkStatus();
}

Result<FakeQuantizeConfig> ParseQuantizer(const Node& node) {
  const Row& row = RowOf(node);
  auto attributes = node.Attributes();
  const int64_t bits = attributes.Int("bit_length", 8);
  const int64_t round = attributes.Int("round_type", 1);
  const int64_t axis = attributes.Int("quant_axis", 0);
  const bool is_test = attributes.Bool("is_test", row.range == Range::kGiven);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (round != 0 && round != 1) return Unsupported("round_type " + std::to_string(round));
  if (axis != 0 && axis != 1) return Unsupported("quant_axis " + std::to_string(axis));
  if (row.name == "fake_channel_wise_quantize_abs_max" && is_test) {
    return Unsupported("is_test, which takes the scales from an output of the operator");
  }
  FakeQuantizeConfig config;
  SKIFF_ASSIGN_OR_RETURN(config.bound, Bound(bits));
  if (row.dequantizes) {
    config.mode = round == 0 ? FakeQuantize::kQuantizeDequantizeHalfEven
                             : FakeQuantize::kQuantizeDequantizeHalfAway;
  } else {
    config.mode = round == 0 ? FakeQuantize::kQuantizeHalfEven : FakeQuantize::kQuantizeHalfAway;
  }
  config.scale = row.range == Range::kGiven ? FakeQuantizeConfig::Scale::kGiven
                                            : FakeQuantizeConfig::Scale::kAbsMax;
  config.axis = row.range == Range::kChannelAbsMax ? axis : -1;
  config.writes_scale = node.Out("OutScale") != nullptr;
  config.nhwc = IsNhwc(node.In("X"));
  return config;
}

Status CheckQuantizer(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  if (RowOf(node).range == Range::kGiven) {
    SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"InScale"}, {}));
  }
  SKIFF_RETURN_IF_ERROR(RequireFloats(node, {"X", "InScale", "Out", "OutScale"}));
  return ParseQuantizer(node).status();
}

Result<Lowered> LowerQuantizer(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const FakeQuantizeConfig config, ParseQuantizer(node));
  Lowered lowered{
      steps::MakeFakeQuantizeStep(context.isa, config), {node.In("X")}, {node.Out("Out")}};
  if (config.scale == FakeQuantizeConfig::Scale::kGiven) {
    lowered.inputs.push_back(node.In("InScale"));
  }
  if (config.writes_scale) lowered.outputs.push_back(node.Out("OutScale"));
  return lowered;
}

Status CheckObserver(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  return RequireFloats(node, {"X", "Out"});
}

Result<Lowered> LowerObserver(const LowerContext& context) {
  return Lowered{steps::MakeUnaryStep(context.isa, kernels::UnaryOp::kCopy, {}),
                 {context.node.In("X")},
                 {context.node.Out("Out")}};
}

Result<FakeQuantizeConfig> ParseDequantizer(const Node& node) {
  auto attributes = node.Attributes();
  FakeQuantizeConfig config;
  config.bound = attributes.Float("max_range", 127.0F);
  config.src_type = node.In("X")->dtype;
  config.nhwc = IsNhwc(node.In("X"));
  SKIFF_RETURN_IF_ERROR(attributes.status());
  return config;
}

Status CheckDequantizer(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X", "Scale"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32, DType::kInt8}));
  SKIFF_RETURN_IF_ERROR(RequireFloats(node, {"Scale", "Out"}));
  return ParseDequantizer(node).status();
}

Result<Lowered> LowerDequantizer(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const FakeQuantizeConfig config, ParseDequantizer(node));
  return Lowered{steps::MakeFakeQuantizeStep(context.isa, config),
                 {node.In("X"), node.In("Scale")},
                 {node.Out("Out")}};
}

std::vector<const graph::Value*> Scales(const Node& node) {
  std::vector<const graph::Value*> scales;
  const int slot = node.SlotIndex("Scales");
  if (slot < 0) return scales;
  for (const graph::Edge& edge : node.inputs[static_cast<size_t>(slot)].edges) {
    scales.push_back(edge.value);
  }
  return scales;
}

Result<FakeQuantizeConfig> ParseChannelDequantizer(const Node& node) {
  auto attributes = node.Attributes();
  const std::vector<int64_t> bits = attributes.Ints("quant_bits", {8});
  const int64_t axis = attributes.Int("quant_axis", 0);
  const int64_t columns = attributes.Int("x_num_col_dims", 1);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  const size_t scales = Scales(node).size();
  if (scales < 1 || scales > 2) {
    return Unsupported(std::to_string(scales) + " tensors in slot Scales");
  }
  if (bits.size() < scales) {
    return InvalidArgument("quant_bits says nothing of the second tensor of Scales");
  }
  FakeQuantizeConfig config;
  SKIFF_ASSIGN_OR_RETURN(config.bound, Bound(bits[0]));
  config.axis = axis;
  if (scales == 2) {
    // X is what an operator made: its channels are axis 1 of a convolution's result and the last
    // axis of a product's.
    SKIFF_ASSIGN_OR_RETURN(const float second, Bound(bits[1]));
    config.bound *= second;
    config.axis = columns;
    config.second_scale = true;
    config.mode = FakeQuantize::kDequantizeTwice;
  }
  if (config.axis < 0 || config.axis >= Dims::kMaxRank) {
    return Unsupported("channels along axis " + std::to_string(config.axis));
  }
  config.src_type = node.In("X")->dtype;
  config.nhwc = IsNhwc(node.In("X"));
  return config;
}

Status CheckChannelDequantizer(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X", "Scales"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32, DType::kInt8}));
  SKIFF_RETURN_IF_ERROR(RequireFloats(node, {"Scales", "Out"}));
  return ParseChannelDequantizer(node).status();
}

Result<Lowered> LowerChannelDequantizer(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const FakeQuantizeConfig config, ParseChannelDequantizer(node));
  Lowered lowered{
      steps::MakeFakeQuantizeStep(context.isa, config), {node.In("X")}, {node.Out("Out")}};
  for (const graph::Value* scale : Scales(node)) lowered.inputs.push_back(scale);
  return lowered;
}

}  // namespace

std::span<const OpDef> fake_quantize_ops() {
  static const auto* ops = [] {
    auto* made = new std::vector<OpDef>;
    for (const Row& row : kQuantizers) {
      made->push_back({row.name, CheckQuantizer, LowerQuantizer, LayoutRule::kFollow});
    }
    made->push_back(
        {"moving_average_abs_max_scale", CheckObserver, LowerObserver, LayoutRule::kFollow});
    made->push_back(
        {"fake_dequantize_max_abs", CheckDequantizer, LowerDequantizer, LayoutRule::kFollow});
    made->push_back(
        {"dequantize_abs_max", CheckDequantizer, LowerDequantizer, LayoutRule::kFollow});
    made->push_back({"fake_channel_wise_dequantize_max_abs", CheckChannelDequantizer,
                     LowerChannelDequantizer, LayoutRule::kFollow});
    return made;
  }();
  return *ops;
}

}  // namespace skiff::ops
