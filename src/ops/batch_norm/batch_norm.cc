#include "ops/batch_norm/batch_norm.h"

#include <cmath>
#include <utility>

#include "ops/op_def.h"

namespace skiff::ops {
namespace {

using graph::Value;

// Rows of `channels` elements when the channel varies fastest in memory, otherwise planes of
// neighbours that share a channel. Compilers vectorise both loops.
class AffineStep : public steps::Step {
 public:
  AffineStep(ChannelAffine affine, int channel_axis, bool nhwc)
      : affine_(std::move(affine)), channel_axis_(channel_axis), nhwc_(nhwc) {}

  [[nodiscard]] Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& in = shapes.in(0);
    const int axis = channel_axis_ < 0 ? in.rank() - 1 : channel_axis_;
    if (in.rank() < 2 || in[axis] != static_cast<int64_t>(affine_.factor.size())) {
      return InvalidArgument("input " + in.ToString() + " does not have " +
                             std::to_string(affine_.factor.size()) + " channels");
    }
    shapes.set_out(0, in);
    return OkStatus();
  }

  [[nodiscard]] Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& dims = run.in[0].dims;
    const auto channels = static_cast<int64_t>(affine_.factor.size());
    const int64_t plane = nhwc_ || channel_axis_ < 0 ? 1 : dims.Product(2, dims.rank());
    const int64_t block = plane == 1 ? channels : plane;
    const auto* x = run.in[0].As<const float>();
    auto* y = run.out[0].As<float>();
    run.pool->ParallelFor(block == 0 ? 0 : dims.Numel() / block, [&](int64_t i) {
      const float* from = x + i * block;
      float* to = y + i * block;
      if (plane == 1) {
        ScaleRow(from, to);
      } else {
        ScalePlane(static_cast<size_t>(i % channels), plane, from, to);
      }
    });
    return OkStatus();
  }

  [[nodiscard]] steps::StepInfo Info() const override {
    steps::StepInfo info;
    info.precision = "fp32";
    info.kernel = "channel_affine";
    return info;
  }

  [[nodiscard]] int InPlaceInput() const override { return 0; }
  [[nodiscard]] bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 private:
  void ScaleRow(const float* from, float* to) const {
    for (size_t c = 0; c < affine_.factor.size(); ++c) {
      to[c] = from[c] * affine_.factor[c] + affine_.offset[c];
    }
  }
  void ScalePlane(size_t channel, int64_t count, const float* from, float* to) const {
    const float factor = affine_.factor[channel], offset = affine_.offset[channel];
    for (int64_t i = 0; i < count; ++i) to[i] = from[i] * factor + offset;
  }

  ChannelAffine affine_;
  int channel_axis_;  // -1: the last
  bool nhwc_;         // 4-D values lie NHWC in memory
};

constexpr const char* kParameters[] = {"Scale", "Bias", "Mean", "Variance"};

// Data of a float32 parameter; empty when the slot is absent.
Result<std::span<const float>> Parameter(const graph::Node& node, std::string_view slot) {
  const Value* value = node.In(slot);
  if (value == nullptr) return std::span<const float>();
  if (!value->constant || value->constant->dtype != DType::kFloat32) {
    return Unsupported(std::string(slot) + " " + value->name + " is not a float32 parameter");
  }
  return value->constant->As<float>();
}

Status Check(const graph::Graph& /*graph*/, const graph::Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X", "Mean", "Variance"}, {"Y"}));
  SKIFF_RETURN_IF_ERROR(ParseBatchNorm(node).status());
  for (const char* slot : kParameters) {
    SKIFF_ASSIGN_OR_RETURN(const std::span<const float> data, Parameter(node, slot));
    SKIFF_ASSIGN_OR_RETURN(const std::span<const float> mean, Parameter(node, "Mean"));
    if (node.In(slot) != nullptr && data.size() != mean.size()) {
      return InvalidArgument(std::string(slot) + " has " + std::to_string(data.size()) +
                             " elements, Mean " + std::to_string(mean.size()));
    }
  }
  return OkStatus();
}

Result<Lowered> Lower(const LowerContext& context) {
  const graph::Node& node = context.node;
  SKIFF_RETURN_IF_ERROR(Check(context.graph, node));
  SKIFF_ASSIGN_OR_RETURN(const BatchNormAttrs attrs, ParseBatchNorm(node));
  std::span<const float> data[4];
  for (size_t i = 0; i < 4; ++i) {
    SKIFF_ASSIGN_OR_RETURN(data[i], Parameter(node, kParameters[i]));
  }
  const Value* x = node.In("X");
  if (x->dtype != DType::kFloat32) {
    return Unsupported("input " + x->name + " of type " + std::string(Name(x->dtype)));
  }
  Lowered lowered;
  lowered.step =
      std::make_unique<AffineStep>(MakeAffine(attrs, data[0], data[1], data[2], data[3]),
                                   attrs.channels_last ? -1 : 1, x->layout == graph::Layout::kNhwc);
  lowered.inputs = {x};
  lowered.outputs = {node.Out("Y")};
  return lowered;
}

// Values of a model in NHWC are 4-D in an order of their own.
bool AcceptsNhwc(const graph::Node& node) {
  const Result<BatchNormAttrs> attrs = ParseBatchNorm(node);
  return attrs.ok() && !attrs->channels_last;
}

}  // namespace

Result<BatchNormAttrs> ParseBatchNorm(const graph::Node& node) {
  program::AttributeReader attributes = node.Attributes();
  BatchNormAttrs attrs;
  attrs.epsilon = attributes.Float("epsilon", attrs.epsilon);
  const std::string layout = attributes.String("data_layout", "NCHW");
  SKIFF_RETURN_IF_ERROR(attributes.status());
  attrs.channels_last = layout == "NHWC" || layout == "NDHWC" || layout == "NLC";
  const bool first =
      layout == "NCHW" || layout == "AnyLayout" || layout == "NCDHW" || layout == "NCL";
  if (!first && !attrs.channels_last) return Unsupported("data_layout " + layout);
  return attrs;
}

ChannelAffine MakeAffine(const BatchNormAttrs& attrs, std::span<const float> scale,
                         std::span<const float> bias, std::span<const float> mean,
                         std::span<const float> variance) {
  ChannelAffine affine;
  for (size_t c = 0; c < mean.size(); ++c) {
    const double s = scale.empty() ? 1.0 : scale[c], b = bias.empty() ? 0.0 : bias[c];
    const double factor = s / std::sqrt(double{variance[c]} + attrs.epsilon);
    affine.factor.push_back(static_cast<float>(factor));
    affine.offset.push_back(static_cast<float>(b - mean[c] * factor));
  }
  return affine;
}

std::span<const OpDef> batch_norm_ops() {
  static constexpr OpDef kOps[] = {
      {"batch_norm", Check, Lower, LayoutRule::kFollow, AcceptsNhwc},
  };
  return kOps;
}

}  // namespace skiff::ops
