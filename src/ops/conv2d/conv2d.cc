#include "ops/conv2d/conv2d.h"

#include <algorithm>

#include "onednn/isa_cap.h"
#include "ops/grids.h"
#include "ops/op_def.h"
#include "ops/op_support.h"
#include "steps/int8_conv.h"
#include "steps/onednn_conv.h"

namespace skiff::ops {
namespace {

using graph::Value;

// Extents that are known when a model is loaded; the rest is known when it is lowered or run.
Status CheckFilter(const graph::Node& node, const Conv2dAttrs& attrs) {
  const Value* filter = node.In("Filter");
  if (!filter->constant) return OkStatus();
  const std::vector<int64_t>& dims = filter->constant->dims;
  if (dims.size() != 4) {
    return InvalidArgument("filter " + filter->name + " has " + std::to_string(dims.size()) +
                           " extents instead of 4");
  }
  if (*std::min_element(dims.begin(), dims.end()) < 1 || dims[0] % attrs.groups != 0) {
    return InvalidArgument("filter " + filter->name + " is " +
                           Dims(std::span<const int64_t>(dims)).ToString() + " with groups " +
                           std::to_string(attrs.groups));
  }
  const Value* bias = node.In("Bias");
  if (bias != nullptr && bias->constant &&
      static_cast<int64_t>(bias->constant->As<float>().size()) != dims[0]) {
    return InvalidArgument("bias " + bias->name + " does not have one element per channel");
  }
  return OkStatus();
}

Status Check(const graph::Graph& /*graph*/, const graph::Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"Input", "Filter"}, {"Output"}));
  SKIFF_ASSIGN_OR_RETURN(const Conv2dAttrs attrs, ParseConv2d(node));
  return CheckFilter(node, attrs);
}

Result<std::vector<float>> Bias(const graph::Node& node) {
  const Value* bias = node.In("Bias");
  if (bias == nullptr) return std::vector<float>();
  if (!bias->constant || bias->constant->dtype != DType::kFloat32) {
    return Unsupported("bias " + bias->name + " is not a float32 parameter");
  }
  const std::span<const float> data = bias->constant->As<float>();
  return std::vector<float>(data.begin(), data.end());
}

Result<std::unique_ptr<steps::Step>> FloatStep(const LowerContext& context,
                                               const Conv2dAttrs& attrs) {
  const graph::Node& node = context.node;
  const Value& filter = *node.In("Filter");
  const std::vector<int64_t>& dims = filter.constant->dims;
  steps::FloatConvSpec spec;
  spec.in_channels = dims[1] * attrs.groups;
  spec.out_channels = dims[0];
  spec.groups = attrs.groups;
  spec.kernel = {dims[2], dims[3]};
  spec.stride = attrs.strides;
  spec.dilation = attrs.dilations;
  spec.padding = attrs.padding.rule;
  spec.pads = attrs.padding.pads;
  spec.filter = filter.constant->As<float>().data();
  spec.filter_owner = filter.constant;
  SKIFF_ASSIGN_OR_RETURN(spec.bias, Bias(node));
  spec.epilogue.residual = node.In("ResidualData") != nullptr;
  spec.epilogue.activation = attrs.activation.kind;
  spec.epilogue.alpha = attrs.activation.alpha;
  spec.epilogue.beta = attrs.activation.beta;
  spec.storages = {StorageOf(*node.In("Input")), StorageOf(*node.Out("Output"))};
  if (spec.epilogue.residual && StorageOf(*node.In("ResidualData")) != spec.storages.dst) {
    return Unsupported("residual " + node.In("ResidualData")->name +
                       " is not stored as the output");
  }
  spec.choices = context.choices;
  return steps::MakeOnednnConv(std::move(spec));
}

Status SetInt8Edges(const graph::Node& node, steps::Int8ConvSpec* spec) {
  const graph::Edge& input = *node.InEdge("Input");
  spec->input_is_float = !IsInt8(input.value->dtype);
  spec->input_is_nchw = input.value->layout == graph::Layout::kPlain;
  if (spec->input_is_float) {
    SKIFF_ASSIGN_OR_RETURN(spec->input, ToCodeGrid(*input.grid));
  } else {
    SKIFF_ASSIGN_OR_RETURN(spec->input, CodeGridOf(*input.value));
  }
  if (const Value* residual = node.In("ResidualData")) {
    using Residual = steps::Int8ConvSpec::Residual;
    spec->residual = IsInt8(residual->dtype) ? Residual::kCodes : Residual::kFloat;
    if (IsInt8(residual->dtype)) {
      SKIFF_ASSIGN_OR_RETURN(spec->residual_grid, CodeGridOf(*residual));
    }
  }
  const Value& output = *node.Out("Output");
  spec->output_is_float = !IsInt8(output.dtype);
  if (!spec->output_is_float) {
    SKIFF_ASSIGN_OR_RETURN(spec->output, CodeGridOf(output));
  }
  return OkStatus();
}

Result<std::unique_ptr<steps::Step>> Int8Step(const LowerContext& context,
                                              const Conv2dAttrs& attrs) {
  const graph::Node& node = context.node;
  const Value& filter = *node.In("Filter");
  const std::vector<int64_t>& dims = filter.constant->dims;
  steps::Int8ConvSpec spec;
  spec.in_channels = dims[1] * attrs.groups;
  spec.out_channels = dims[0];
  spec.groups = attrs.groups;
  spec.kernel_h = dims[2];
  spec.kernel_w = dims[3];
  spec.stride_h = attrs.strides[0];
  spec.stride_w = attrs.strides[1];
  spec.dilation_h = attrs.dilations[0];
  spec.dilation_w = attrs.dilations[1];
  spec.padding = attrs.padding.rule;
  spec.pads = attrs.padding.pads;
  spec.filter = filter.constant->As<int8_t>();
  SKIFF_ASSIGN_OR_RETURN(spec.filter_step, WeightSteps(filter, 0, dims[0]));
  SKIFF_ASSIGN_OR_RETURN(spec.bias, Bias(node));
  SKIFF_ASSIGN_OR_RETURN(spec.activation, ToInt8Activation(attrs.activation));
  SKIFF_RETURN_IF_ERROR(SetInt8Edges(node, &spec));
  spec.choices = context.choices.get();
  return steps::MakeInt8Conv(spec, context.isa);
}

Result<std::unique_ptr<steps::Step>> MakeStep(const LowerContext& context,
                                              const Conv2dAttrs& attrs) {
  const graph::Node& node = context.node;
  const Value& filter = *node.In("Filter");
  const graph::Edge& input = *node.InEdge("Input");
  const bool codes = IsInt8(input.value->dtype) || input.grid.has_value();
  if (!filter.constant) {
    return Unsupported("filter " + filter.name + " is computed; only a parameter is supported");
  }
  if (codes && filter.dtype == DType::kInt8) return Int8Step(context, attrs);
  const bool runs = input.value->dtype != DType::kBFloat16 || onednn::MultipliesBfloat16();
  if (!codes && filter.dtype == DType::kFloat32 && IsStoredFloat(*input.value) && runs) {
    return FloatStep(context, attrs);
  }
  return Unsupported("input " + input.value->name + " of type " +
                     std::string(Name(input.value->dtype)) + " with filter " + filter.name +
                     " of type " + std::string(Name(filter.dtype)));
}

Result<Lowered> Lower(const LowerContext& context) {
  onednn::CapIsa(context.isa);
  const graph::Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const Conv2dAttrs attrs, ParseConv2d(node));
  SKIFF_RETURN_IF_ERROR(CheckFilter(node, attrs));
  Lowered lowered;
  SKIFF_ASSIGN_OR_RETURN(lowered.step, MakeStep(context, attrs));
  lowered.inputs.push_back(node.In("Input"));
  if (const Value* residual = node.In("ResidualData")) lowered.inputs.push_back(residual);
  lowered.outputs.push_back(node.Out("Output"));
  return lowered;
}

}  // namespace

Result<Conv2dAttrs> ParseConv2d(const graph::Node& node) {
  program::AttributeReader attributes = node.Attributes();
  Conv2dAttrs attrs;
  SKIFF_ASSIGN_OR_RETURN(attrs.strides, ReadPair(attributes, "strides", 1, 1));
  SKIFF_ASSIGN_OR_RETURN(attrs.dilations, ReadPair(attributes, "dilations", 1, 1));
  SKIFF_ASSIGN_OR_RETURN(attrs.padding, ReadPadding(attributes));
  SKIFF_ASSIGN_OR_RETURN(attrs.activation, ReadFusedActivation(attributes));
  attrs.groups = attributes.Int("groups", 1);
  SKIFF_RETURN_IF_ERROR(RequireChannelsFirst(attributes));
  if (attrs.groups < 1) return InvalidArgument("groups " + std::to_string(attrs.groups));
  return attrs;
}

std::span<const OpDef> conv2d_ops() {
  static constexpr OpDef kOps[] = {
      {"conv2d", Check, Lower, LayoutRule::kNhwc},
      {"depthwise_conv2d", Check, Lower, LayoutRule::kNhwc},
      {"fused_conv2d", Check, Lower, LayoutRule::kNhwc},
  };
  return kOps;
}

}  // namespace skiff::ops
