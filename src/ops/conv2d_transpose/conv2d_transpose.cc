#include "ops/conv2d_transpose/conv2d_transpose.h"

#include <algorithm>
#include <vector>

#include "onednn/isa_cap.h"
#include "ops/grids.h"
#include "ops/op_def.h"
#include "steps/int8_conv_transpose.h"
#include "steps/onednn_conv.h"

namespace skiff::ops {
namespace {

using graph::Value;

// An optional pair: absent or empty is {0, 0}; old files repeat one value for both.
Result<std::array<int64_t, 2>> ReadOptionalPair(program::AttributeReader& attributes,
                                                std::string_view name) {
  const std::vector<int64_t> values = attributes.Ints(name, {});
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (values.empty()) return std::array<int64_t, 2>{};
  if (values.size() > 2 || *std::min_element(values.begin(), values.end()) < 0) {
    return InvalidArgument(std::string(name) + " must be two values of at least 0");
  }
  return std::array<int64_t, 2>{values.front(), values.back()};
}

Status CheckParameters(const graph::Node& node, const Conv2dTransposeAttrs& attrs) {
  const Value* filter = node.In("Filter");
  if (!filter->constant) return OkStatus();
  const std::vector<int64_t>& dims = filter->constant->dims;
  if (dims.size() != 4 || *std::min_element(dims.begin(), dims.end()) < 1 ||
      dims[0] % attrs.groups != 0) {
    return InvalidArgument("filter " + filter->name + " of " + std::to_string(dims.size()) +
                           " extents does not fit groups " + std::to_string(attrs.groups));
  }
  const Value* bias = node.In("Bias");
  if (bias != nullptr && bias->constant &&
      (bias->constant->dtype != DType::kFloat32 ||
       static_cast<int64_t>(bias->constant->As<float>().size()) != dims[1] * attrs.groups)) {
    return InvalidArgument("bias " + bias->name + " is not one float32 per output channel");
  }
  return OkStatus();
}

Status Check(const graph::Graph& /*graph*/, const graph::Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"Input", "Filter"}, {"Output"}));
  SKIFF_ASSIGN_OR_RETURN(const Conv2dTransposeAttrs attrs, ParseConv2dTranspose(node));
  if (node.In("OutputSize") != nullptr) {
    return Unsupported("an output size that is computed; only attribute output_size is supported");
  }
  return CheckParameters(node, attrs);
}

// Both float32, or an s8 filter that meets codes.
Status RequireParameters(const graph::Node& node) {
  for (const char* slot : {"Filter", "Bias"}) {
    const Value* value = node.In(slot);
    if (value != nullptr && !value->constant) {
      return Unsupported(std::string(slot) + " " + value->name + " is not a parameter");
    }
  }
  const Value* input = node.In("Input");
  const Value* filter = node.In("Filter");
  const bool codes = IsInt8(input->dtype) && filter->dtype == DType::kInt8;
  if (codes || (input->dtype == DType::kFloat32 && filter->dtype == DType::kFloat32)) {
    return OkStatus();
  }
  return Unsupported("input " + input->name + " of type " + std::string(Name(input->dtype)) +
                     " with filter " + filter->name + " of type " +
                     std::string(Name(filter->dtype)));
}

std::vector<float> BiasOf(const graph::Node& node) {
  const Value* bias = node.In("Bias");
  if (bias == nullptr) return {};
  const std::span<const float> data = bias->constant->As<float>();
  return {data.begin(), data.end()};
}

Result<std::unique_ptr<steps::Step>> Int8Step(const LowerContext& context,
                                              const Conv2dTransposeAttrs& attrs) {
  const graph::Node& node = context.node;
  const Value& filter = *node.In("Filter");
  const std::vector<int64_t>& dims = filter.constant->dims;
  if (attrs.groups != 1) return Unsupported("groups other than 1 in INT8");
  steps::Int8ConvTransposeSpec spec;
  spec.in_channels = dims[0];
  spec.out_channels = dims[1];
  spec.kernel = {dims[2], dims[3]};
  spec.stride = attrs.strides;
  spec.dilation = attrs.dilations;
  spec.padding = attrs.padding.rule;
  spec.pads = attrs.padding.pads;
  spec.output_padding = attrs.output_padding;
  spec.output_size = attrs.output_size;
  spec.filter = filter.constant->As<int8_t>();
  SKIFF_ASSIGN_OR_RETURN(spec.filter_step, WeightSteps(filter, 1, dims[1]));
  spec.bias = BiasOf(node);
  SKIFF_ASSIGN_OR_RETURN(spec.input, CodeGridOf(*node.In("Input")));
  SKIFF_ASSIGN_OR_RETURN(spec.activation, ToInt8Activation(attrs.activation));
  const Value& output = *node.Out("Output");
  spec.output_is_float = !IsInt8(output.dtype);
  if (!spec.output_is_float) {
    SKIFF_ASSIGN_OR_RETURN(spec.output, CodeGridOf(output));
  }
  return steps::MakeInt8ConvTranspose(spec, context.isa);
}

std::unique_ptr<steps::Step> FloatStep(const graph::Node& node, const Conv2dTransposeAttrs& attrs) {
  const Value& filter = *node.In("Filter");
  const std::vector<int64_t>& dims = filter.constant->dims;
  steps::FloatConvSpec spec;
  spec.transposed = true;
  spec.in_channels = dims[0];
  spec.out_channels = dims[1] * attrs.groups;
  spec.groups = attrs.groups;
  spec.kernel = {dims[2], dims[3]};
  spec.stride = attrs.strides;
  spec.dilation = attrs.dilations;
  spec.padding = attrs.padding.rule;
  spec.pads = attrs.padding.pads;
  spec.output_padding = attrs.output_padding;
  spec.output_size = attrs.output_size;
  spec.filter = filter.constant->As<float>().data();
  spec.filter_owner = filter.constant;
  spec.bias = BiasOf(node);
  spec.epilogue.activation = attrs.activation.kind;
  spec.epilogue.alpha = attrs.activation.alpha;
  spec.epilogue.beta = attrs.activation.beta;
  return steps::MakeOnednnConv(std::move(spec));
}

Result<Lowered> Lower(const LowerContext& context) {
  onednn::CapIsa(context.isa);
  const graph::Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const Conv2dTransposeAttrs attrs, ParseConv2dTranspose(node));
  SKIFF_RETURN_IF_ERROR(RequireParameters(node));
  SKIFF_RETURN_IF_ERROR(CheckParameters(node, attrs));
  Lowered lowered;
  if (IsInt8(node.In("Input")->dtype)) {
    SKIFF_ASSIGN_OR_RETURN(lowered.step, Int8Step(context, attrs));
  } else {
    lowered.step = FloatStep(node, attrs);
  }
  lowered.inputs = {node.In("Input")};
  lowered.outputs = {node.Out("Output")};
  return lowered;
}

}  // namespace

Result<Conv2dTransposeAttrs> ParseConv2dTranspose(const graph::Node& node) {
  program::AttributeReader attributes = node.Attributes();
  Conv2dTransposeAttrs attrs;
  SKIFF_ASSIGN_OR_RETURN(attrs.strides, ReadPair(attributes, "strides", 1, 1));
  SKIFF_ASSIGN_OR_RETURN(attrs.dilations, ReadPair(attributes, "dilations", 1, 1));
  SKIFF_ASSIGN_OR_RETURN(attrs.output_padding, ReadOptionalPair(attributes, "output_padding"));
  SKIFF_ASSIGN_OR_RETURN(attrs.output_size, ReadOptionalPair(attributes, "output_size"));
  SKIFF_ASSIGN_OR_RETURN(attrs.padding, ReadPadding(attributes));
  SKIFF_ASSIGN_OR_RETURN(attrs.activation, ReadFusedActivation(attributes));
  attrs.groups = attributes.Int("groups", 1);
  SKIFF_RETURN_IF_ERROR(RequireChannelsFirst(attributes));
  if (attrs.groups < 1) return InvalidArgument("groups " + std::to_string(attrs.groups));
  return attrs;
}

std::span<const OpDef> conv2d_transpose_ops() {
  static constexpr OpDef kOps[] = {
      {"conv2d_transpose", Check, Lower, LayoutRule::kNhwc},
      {"depthwise_conv2d_transpose", Check, Lower, LayoutRule::kNhwc},
  };
  return kOps;
}

}  // namespace skiff::ops
