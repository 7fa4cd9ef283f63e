// layer_norm: rows brought to mean 0 and variance 1.
#include "kernels/eltwise/layer_norm.h"

#include "kernels/eltwise/eltwise_isa.h"
#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> layer_norm_ops();
namespace {

using graph::Graph;
using graph::Node;

struct LayerNormConfig {
  float epsilon = 1e-5F;
  int64_t axis = 1;
  bool has_scale = false;
  bool has_bias = false;
  bool writes_statistics = false;
};

class LayerNormStep final : public steps::DataStep {
 public:
  LayerNormStep(const LayerNormConfig& config, Isa isa)
      : DataStep(DType::kFloat32, "layer_norm"),
        kernel_(kernels::SelectLayerNorm(isa)),
        isa_(isa),
        config_(config) {}

  steps::StepInfo Info() const override {
    return {.precision = "fp32", .kernel = kernels::EltwiseName("layer_norm", isa_)};
  }
  bool SplitsByImage(const Dims& /*x*/) const override { return true; }  // the axis is never 0

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    if (config_.axis < 1 || config_.axis >= x.rank()) {
      return InvalidArgument("begin_norm_axis " + std::to_string(config_.axis) +
                             " of an array of shape " + x.ToString());
    }
    const auto axis = static_cast<int>(config_.axis);
    const int64_t n = x.Product(axis, x.rank());
    for (int i = 1; i < shapes.inputs(); ++i) {
      if (shapes.in(i).Numel() != n || n == 0) {
        return InvalidArgument("scales or biases of shape " + shapes.in(i).ToString() +
                               " for rows of " + std::to_string(n));
      }
    }
    shapes.set_out(0, x);
    if (config_.writes_statistics) {
      shapes.set_out(1, Dims(x.span().first(static_cast<size_t>(axis))));
      shapes.set_out(2, Dims(x.span().first(static_cast<size_t>(axis))));
    }
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    const auto axis = static_cast<int>(config_.axis);
    const int64_t n = x.Product(axis, x.rank());
    kernels::LayerNormParams params;
    params.n = n;
    params.epsilon = config_.epsilon;
    if (config_.has_scale) params.scale = run.in[1].As<const float>();
    if (config_.has_bias) params.bias = run.in[config_.has_scale ? 2 : 1].As<const float>();
    float* const mean = config_.writes_statistics ? run.out[1].As<float>() : nullptr;
    float* const variance = config_.writes_statistics ? run.out[2].As<float>() : nullptr;
    steps::ParallelRanges(run.pool, x.Product(0, axis), steps::kParallelGrain / (4 * n + 1),
                          [&](int64_t begin, int64_t end) {
                            kernel_(run.out[0].As<float>() + begin * n,
                                    run.in[0].As<const float>() + begin * n, end - begin, params,
                                    mean == nullptr ? nullptr : mean + begin,
                                    variance == nullptr ? nullptr : variance + begin);
                          });
    return OkStatus();
  }

 private:
  kernels::LayerNormKernel kernel_;
  Isa isa_;
  LayerNormConfig config_;
};

Result<LayerNormConfig> Parse(const Node& node) {
  auto attributes = node.Attributes();
  LayerNormConfig config{
      .epsilon = attributes.Float("epsilon", 1e-5F),
      .axis = attributes.Int("begin_norm_axis", 1),
      .has_scale = node.In("Scale") != nullptr,
      .has_bias = node.In("Bias") != nullptr,
      .writes_statistics = node.Out("Mean") != nullptr && node.Out("Variance") != nullptr};
  SKIFF_RETURN_IF_ERROR(attributes.status());
  return config;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Y"}));
  for (const char* slot : {"X", "Scale", "Bias", "Y", "Mean", "Variance"}) {
    SKIFF_RETURN_IF_ERROR(RequireType(node, slot, {DType::kFloat32}));
  }
  return Parse(node).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const LayerNormConfig config, Parse(node));
  Lowered lowered{
      std::make_unique<LayerNormStep>(config, context.isa), {node.In("X")}, {node.Out("Y")}};
  if (config.has_scale) lowered.inputs.push_back(node.In("Scale"));
  if (config.has_bias) lowered.inputs.push_back(node.In("Bias"));
  if (config.writes_statistics) {
    lowered.outputs.push_back(node.Out("Mean"));
    lowered.outputs.push_back(node.Out("Variance"));
  }
  return lowered;
}

}  // namespace

std::span<const OpDef> layer_norm_ops() {
  static constexpr OpDef kOps[] = {{"layer_norm", Check, Lower, LayoutRule::kPlain}};
  return kOps;
}

}  // namespace skiff::ops
