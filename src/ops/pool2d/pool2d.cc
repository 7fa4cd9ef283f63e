#include "ops/pool2d/pool2d.h"

#include "ops/grids.h"
#include "ops/op_def.h"
#include "steps/int8_pool.h"

namespace skiff::ops {
namespace {

using graph::Value;

Status Check(const graph::Graph& graph, const graph::Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  const Value* mask = node.Out("Mask");
  if (mask != nullptr && (!mask->uses.empty() || graph.IsOutput(mask))) {
    return Unsupported("the positions of the maxima (slot Mask) are not computed");
  }
  return ParsePool2d(node).status();
}

steps::PoolSpec MakeSpec(const Pool2dAttrs& attrs) {
  steps::PoolSpec spec;
  spec.kind = attrs.average ? steps::PoolSpec::Kind::kAverage : steps::PoolSpec::Kind::kMax;
  spec.kernel_h = attrs.ksize[0];
  spec.kernel_w = attrs.ksize[1];
  spec.stride_h = attrs.strides[0];
  spec.stride_w = attrs.strides[1];
  spec.padding = attrs.padding.rule;
  spec.pads = attrs.padding.pads;
  spec.global_pooling = attrs.global_pooling;
  spec.adaptive = attrs.adaptive;
  spec.exclusive = attrs.exclusive;
  spec.ceil_mode = attrs.ceil_mode;
  return spec;
}

Status RequireType(const Value& value) {
  if (value.dtype == DType::kFloat32 || IsInt8(value.dtype)) return OkStatus();
  return Unsupported(value.name + " of type " + std::string(Name(value.dtype)));
}

Result<Lowered> Lower(const LowerContext& context) {
  const graph::Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const Pool2dAttrs attrs, ParsePool2d(node));
  const Value* x = node.In("X");
  const Value* out = node.Out("Out");
  SKIFF_RETURN_IF_ERROR(RequireType(*x));
  SKIFF_RETURN_IF_ERROR(RequireType(*out));
  steps::PoolSpec spec = MakeSpec(attrs);
  spec.input_is_float = !IsInt8(x->dtype);
  spec.output_is_float = !IsInt8(out->dtype);
  if (!spec.input_is_float) {
    SKIFF_ASSIGN_OR_RETURN(spec.input, CodeGridOf(*x));
  }
  if (!spec.output_is_float) {
    SKIFF_ASSIGN_OR_RETURN(spec.output, CodeGridOf(*out));
  }
  if (!attrs.average && !spec.input_is_float && x->grid != out->grid) {
    return Internal("a maximum keeps the grid of " + x->name);
  }
  Lowered lowered;
  SKIFF_ASSIGN_OR_RETURN(lowered.step, steps::MakePool(spec, context.isa));
  lowered.inputs = {x};
  lowered.outputs = {out};
  return lowered;
}

// ksize, of which old files may give one value for both directions.
Result<std::array<int64_t, 2>> ReadKernel(program::AttributeReader& attributes) {
  const std::vector<int64_t> values = attributes.Ints("ksize", {1, 1});
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (values.empty() || values.size() > 2 || values.front() < 1 || values.back() < 1) {
    return InvalidArgument("ksize must be two values of at least 1");
  }
  return std::array<int64_t, 2>{values.front(), values.back()};
}

}  // namespace

Result<Pool2dAttrs> ParsePool2d(const graph::Node& node) {
  program::AttributeReader attributes = node.Attributes();
  Pool2dAttrs attrs;
  const bool pool2d = node.type == "pool2d";
  const std::string kind = pool2d ? attributes.String("pooling_type", "") : "max";
  if (kind != "max" && kind != "avg") return InvalidArgument("pooling_type \"" + kind + "\"");
  attrs.average = kind == "avg";
  attrs.global_pooling = attributes.Bool("global_pooling", false);
  attrs.adaptive = attributes.Bool("adaptive", false);
  attrs.exclusive = attributes.Bool("exclusive", true);
  attrs.ceil_mode = attributes.Bool("ceil_mode", false);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  SKIFF_RETURN_IF_ERROR(RequireChannelsFirst(attributes));
  // A global window makes ksize, strides and paddings meaningless; files hold anything there.
  if (attrs.global_pooling) return attrs;
  SKIFF_ASSIGN_OR_RETURN(attrs.ksize, ReadKernel(attributes));
  if (attrs.adaptive) return attrs;
  SKIFF_ASSIGN_OR_RETURN(attrs.strides, ReadPair(attributes, "strides", 1, 1));
  SKIFF_ASSIGN_OR_RETURN(attrs.padding, ReadPadding(attributes));
  return attrs;
}

std::span<const OpDef> pool2d_ops() {
  static constexpr OpDef kOps[] = {
      {"pool2d", Check, Lower, LayoutRule::kNhwc, nullptr, true},
      {"max_pool2d_with_index", Check, Lower, LayoutRule::kNhwc, nullptr, true},
  };
  return kOps;
}

}  // namespace skiff::ops
