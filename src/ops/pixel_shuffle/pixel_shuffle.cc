// pixel_shuffle spreads groups of channels over blocks of pixels; shuffle_channel interleaves
// groups of channels.
#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/strided_copy.h"

namespace skiff::ops {
std::span<const OpDef> pixel_shuffle_ops();
namespace {

using graph::Graph;
using graph::Node;

class PixelShuffleStep final : public steps::DataStep {
 public:
  PixelShuffleStep(DType type, int64_t factor) : DataStep(type, "pixel_shuffle"), factor_(factor) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    if (x.rank() != 4 || x[1] % (factor_ * factor_) != 0) {
      return InvalidArgument("upscale_factor " + std::to_string(factor_) +
                             " of an array of shape " + x.ToString());
    }
    const Dims out{x[0], x[1] / (factor_ * factor_), x[2] * factor_, x[3] * factor_};
    SKIFF_RETURN_IF_ERROR(CheckExtents(out));
    shapes.set_out(0, out);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    const int64_t r = factor_;
    const int64_t h = x[2];
    const int64_t w = x[3];
    // Axes n * c, h, i, w, j of the result, where channel c * r * r + i * r + j gave pixel (i, j).
    const Dims view{x[0] * (x[1] / (r * r)), h, r, w, r};
    steps::CopyView(run.pool, element_size(), view, false, run.out[0].data,
                    steps::DenseStrides(view, false), run.in[0].data,
                    {r * r * h * w, w, r * h * w, 1, h * w});
    return OkStatus();
  }

 private:
  int64_t factor_;
};

class ShuffleChannelStep final : public steps::DataStep {
 public:
  ShuffleChannelStep(DType type, int64_t groups, bool nhwc)
      : DataStep(type, "shuffle_channel"), groups_(groups), nhwc_(nhwc) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    if (x.rank() != 4 || x[1] % groups_ != 0) {
      return InvalidArgument("group " + std::to_string(groups_) + " of an array of shape " +
                             x.ToString());
    }
    shapes.set_out(0, x);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    const int64_t each = x[1] / groups_;
    const int64_t pixels = x[2] * x[3];
    // Axes: outer, position in the group, group, inner.
    const Dims view{nhwc_ ? x[0] * pixels : x[0], each, groups_, nhwc_ ? 1 : pixels};
    const int64_t inner = view[3];
    steps::CopyView(run.pool, element_size(), view, false, run.out[0].data,
                    steps::DenseStrides(view, false), run.in[0].data,
                    {x[1] * inner, inner, each * inner, 1});
    return OkStatus();
  }

 private:
  int64_t groups_;
  bool nhwc_;
};

// upscale_factor or group.
Result<int64_t> Parse(const Node& node) {
  auto attributes = node.Attributes();
  const int64_t n = node.type == "pixel_shuffle" ? attributes.Int("upscale_factor", 1)
                                                 : attributes.Int("group", 1);
  const std::string format = attributes.String("data_format", "NCHW");
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (n < 1 || n > 65536) return InvalidArgument("upscale_factor or group is " + std::to_string(n));
  if (format != "NCHW") return Unsupported("data_format " + format);
  return n;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, "X"));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, "X", "Out"));
  return Parse(node).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  const graph::Value* x = node.In("X");
  SKIFF_ASSIGN_OR_RETURN(const int64_t n, Parse(node));
  Lowered lowered{nullptr, {x}, {node.Out("Out")}};
  if (node.type == "pixel_shuffle") {
    lowered.step = std::make_unique<PixelShuffleStep>(x->dtype, n);
  } else {
    lowered.step = std::make_unique<ShuffleChannelStep>(x->dtype, n, IsNhwc(x));
  }
  return lowered;
}

}  // namespace

std::span<const OpDef> pixel_shuffle_ops() {
  static constexpr OpDef kOps[] = {
      {"pixel_shuffle", Check, Lower, LayoutRule::kPlain},
      {"shuffle_channel", Check, Lower, LayoutRule::kFollow},
  };
  return kOps;
}

}  // namespace skiff::ops
