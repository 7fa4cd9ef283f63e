// prelu: a leaky relu whose slope is learned, for all elements, by channel, or by element.
#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> prelu_ops();
namespace {

using graph::Graph;
using graph::Node;

enum class Slopes { kOne, kPerChannel, kPerElement };

struct PreluConfig {
  Slopes slopes = Slopes::kOne;
  bool channels_last = false;  // by the operator's data_format
  bool nhwc = false;           // by the graph's layout
};

class PreluStep final : public steps::DataStep {
 public:
  explicit PreluStep(const PreluConfig& config)
      : DataStep(DType::kFloat32, "prelu"), config_(config) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    int64_t want = 1;
    if (config_.slopes == Slopes::kPerChannel && x.rank() >= 2) want = x[ChannelAxis(x)];
    if (config_.slopes == Slopes::kPerElement && x.rank() >= 1) want = x.Product(1, x.rank());
    if (shapes.in(1).Numel() != want || want < 1 || (config_.nhwc && x.rank() != 4)) {
      return InvalidArgument("slopes of shape " + shapes.in(1).ToString() +
                             " for an array of shape " + x.ToString());
    }
    shapes.set_out(0, x);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    if (x.Numel() == 0) return OkStatus();
    steps::LoopNest<2> nest;
    nest.AddAll(x, config_.nhwc, {steps::DenseStrides(x, config_.nhwc), SlopeStrides(x)});
    nest.PadTo(1);
    const auto inner = static_cast<size_t>(nest.rank - 1);
    const int64_t cols = nest.extent[inner];
    const int64_t step = nest.stride[1][inner];
    steps::ParallelRanges(run.pool, x.Numel() / cols, steps::kParallelGrain / cols,
                          [&](int64_t begin, int64_t end) {
                            for (int64_t row = begin; row < end; ++row) {
                              int64_t index = row;
                              const float* slope = run.in[1].As<const float>();
                              for (size_t axis = inner; axis-- > 0;) {
                                slope += index % nest.extent[axis] * nest.stride[1][axis];
                                index /= nest.extent[axis];
                              }
                              const float* src = run.in[0].As<const float>() + row * cols;
                              float* dst = run.out[0].As<float>() + row * cols;
                              for (int64_t c = 0; c < cols; ++c) {
                                dst[c] = src[c] > 0 ? src[c] : slope[c * step] * src[c];
                              }
                            }
                          });
    return OkStatus();
  }
  int InPlaceInput() const override { return 0; }

 private:
  [[nodiscard]] int ChannelAxis(const Dims& x) const {
    return config_.channels_last ? x.rank() - 1 : 1;
  }

  // How the slopes are walked along X's axes.
  [[nodiscard]] steps::Strides SlopeStrides(const Dims& x) const {
    steps::Strides strides{};
    if (config_.slopes == Slopes::kPerChannel && x.rank() >= 2) {
      strides[static_cast<size_t>(ChannelAxis(x))] = 1;
    }
    if (config_.slopes == Slopes::kPerElement && x.rank() >= 1) {
      strides = steps::DenseStrides(x, false);
      strides[0] = 0;
    }
    return strides;
  }

  PreluConfig config_;
};

Result<PreluConfig> Parse(const Node& node) {
  auto attributes = node.Attributes();
  const std::string mode = attributes.String("mode", "all");
  const std::string format = attributes.String("data_format", "NCHW");
  SKIFF_RETURN_IF_ERROR(attributes.status());
  PreluConfig config{
      .slopes = Slopes::kOne, .channels_last = format == "NHWC", .nhwc = IsNhwc(node.In("X"))};
  if (mode == "channel") {
    config.slopes = Slopes::kPerChannel;
  } else if (mode == "element") {
    config.slopes = Slopes::kPerElement;
  } else if (mode != "all") {
    return Unsupported("mode " + mode);
  }
  return config;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X", "Alpha"}, {"Out"}));
  for (const char* slot : {"X", "Alpha", "Out"}) {
    SKIFF_RETURN_IF_ERROR(RequireType(node, slot, {DType::kFloat32}));
  }
  return Parse(node).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const PreluConfig config, Parse(node));
  return Lowered{
      std::make_unique<PreluStep>(config), {node.In("X"), node.In("Alpha")}, {node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> prelu_ops() {
  static constexpr OpDef kOps[] = {{"prelu", Check, Lower, LayoutRule::kFollow}};
  return kOps;
}

}  // namespace skiff::ops
