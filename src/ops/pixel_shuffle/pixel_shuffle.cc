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

struct PixelShuffle {
  int64_t factor = 1;
  bool depth_first = false;  // mode DCR
};

class PixelShuffleStep final : public steps::DataStep {
 public:
  PixelShuffleStep(DType type, PixelShuffle shuffle, bool nhwc)
      : DataStep(type, "pixel_shuffle"), shuffle_(shuffle), nhwc_(nhwc) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    const int64_t r = shuffle_.factor;
    if (x.rank() != 4 || x[1] % (r * r) != 0) {
      return InvalidArgument("upscale_factor " + std::to_string(r) + " of an array of shape " +
                             x.ToString());
    }
    const Dims out{x[0], x[1] / (r * r), x[2] * r, x[3] * r};
    SKIFF_RETURN_IF_ERROR(CheckExtents(out));
    shapes.set_out(0, out);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    const int64_t r = shuffle_.factor;
    const int64_t depth = x[1] / (r * r);
    const int64_t h = x[2];
    const int64_t w = x[3];
    // From a pixel of x to the next, and from a channel of it to the next.
    const int64_t pixel = nhwc_ ? x[1] : 1;
    const int64_t channel = nhwc_ ? 1 : h * w;
    // What of the channel number tells the result's channel c, and the pixel (i, j) in the block.
    const int64_t c = channel * (shuffle_.depth_first ? 1 : r * r);
    const int64_t i = channel * r * (shuffle_.depth_first ? depth : 1);
    const int64_t j = channel * (shuffle_.depth_first ? depth : 1);
    const int64_t image = x[1] * h * w;
    // The axes of the result as they lie in memory.
    Dims view{x[0], depth, h, r, w, r};
    steps::Strides strides{image, c, w * pixel, i, pixel, j};
    if (nhwc_) {
      view = {x[0], h, r, w, r, depth};
      strides = {image, w * pixel, i, pixel, j, c};
    }
    steps::CopyView(run.pool, element_size(), view, false, run.out[0].data,
                    steps::DenseStrides(view, false), run.in[0].data, strides);
    return OkStatus();
  }
  bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 private:
  PixelShuffle shuffle_;
  bool nhwc_;
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
  bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 private:
  int64_t groups_;
  bool nhwc_;
};

Status CheckMove(const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, "X"));
  return RequireSameType(node, "X", "Out");
}

// upscale_factor or group.
Result<int64_t> ParseCount(program::AttributeReader& attributes, const char* name) {
  const int64_t n = attributes.Int(name, 1);
  const std::string format = attributes.String("data_format", "NCHW");
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (n < 1 || n > 65536) return InvalidArgument(std::string(name) + " " + std::to_string(n));
  if (format != "NCHW") return Unsupported("data_format " + format);
  return n;
}

Result<PixelShuffle> ParsePixelShuffle(const Node& node) {
  program::AttributeReader attributes = node.Attributes();
  PixelShuffle shuffle;
  const std::string mode = attributes.String("mode", "CRD");
  SKIFF_ASSIGN_OR_RETURN(shuffle.factor, ParseCount(attributes, "upscale_factor"));
  if (mode != "CRD" && mode != "DCR") return Unsupported("mode " + mode);
  shuffle.depth_first = mode == "DCR";
  return shuffle;
}

Status CheckPixelShuffle(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(CheckMove(node));
  return ParsePixelShuffle(node).status();
}

Result<Lowered> LowerPixelShuffle(const LowerContext& context) {
  const Node& node = context.node;
  const graph::Value* x = node.In("X");
  SKIFF_ASSIGN_OR_RETURN(const PixelShuffle shuffle, ParsePixelShuffle(node));
  return Lowered{
      std::make_unique<PixelShuffleStep>(x->dtype, shuffle, IsNhwc(x)), {x}, {node.Out("Out")}};
}

Status CheckShuffleChannel(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(CheckMove(node));
  program::AttributeReader attributes = node.Attributes();
  return ParseCount(attributes, "group").status();
}

Result<Lowered> LowerShuffleChannel(const LowerContext& context) {
  const Node& node = context.node;
  const graph::Value* x = node.In("X");
  program::AttributeReader attributes = node.Attributes();
  SKIFF_ASSIGN_OR_RETURN(const int64_t groups, ParseCount(attributes, "group"));
  return Lowered{
      std::make_unique<ShuffleChannelStep>(x->dtype, groups, IsNhwc(x)), {x}, {node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> pixel_shuffle_ops() {
  static constexpr OpDef kOps[] = {
      {"pixel_shuffle", CheckPixelShuffle, LowerPixelShuffle, LayoutRule::kFollow},
      {"shuffle_channel", CheckShuffleChannel, LowerShuffleChannel, LayoutRule::kFollow},
  };
  return kOps;
}

}  // namespace skiff::ops
