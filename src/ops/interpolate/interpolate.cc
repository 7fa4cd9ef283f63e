// nearest_interp, bilinear_interp and their second versions: pictures resized.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> interpolate_ops();
namespace {

using graph::Graph;
using graph::Node;
using steps::ShapeContext;

struct InterpolateConfig {
  bool bilinear = false;
  bool align_corners = true;
  bool half_pixel = false;        // align_mode 0 without align_corners
  bool ratio_from_scale = false;  // the second versions
  bool channels_last = false;     // by the operator's data_layout
  bool nhwc_memory = false;       // by either
  int64_t out_h = -1;
  int64_t out_w = -1;
  float scale_h = 0;  // 0: none
  float scale_w = 0;
};

// Where an output row or column reads: two neighbours and the second one's share.
struct Tap {
  int64_t low = 0;
  int64_t high = 0;
  float share = 0;
};

struct InterpolateState final : steps::StepState {
  std::vector<Tap> rows;
  std::vector<Tap> columns;
};

class InterpolateStep final : public steps::DataStep {
 public:
  InterpolateStep(DType type, const InterpolateConfig& config, IntArgument size)
      : DataStep(type, config.bilinear ? "bilinear" : "nearest"),
        config_(config),
        size_(std::move(size)) {}

  std::unique_ptr<steps::StepState> NewState() const override {
    return std::make_unique<InterpolateState>();
  }

  Status Reshape(ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    if (x.rank() != 4) return Unsupported("a picture of shape " + x.ToString());
    const int h = config_.channels_last ? 1 : 2;
    Dims out = x;
    SKIFF_RETURN_IF_ERROR(OutputSize(shapes, x[h], x[h + 1], &out[h], &out[h + 1]));
    SKIFF_RETURN_IF_ERROR(CheckExtents(out));
    if (x[h] < 1 || x[h + 1] < 1 || out[h] < 1 || out[h + 1] < 1) {
      return InvalidArgument("a picture of shape " + x.ToString() + " cannot become " +
                             out.ToString());
    }
    auto* state = static_cast<InterpolateState*>(shapes.state());
    FillTaps(x[h], out[h], config_.scale_h, &state->rows);
    FillTaps(x[h + 1], out[h + 1], config_.scale_w, &state->columns);
    shapes.set_out(0, out);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const auto& state = *static_cast<const InterpolateState*>(run.state);
    const Dims& x = run.in[0].dims;
    const int64_t channels = config_.channels_last ? x[3] : x[1];
    // In memory the picture is `planes` planes of pixels that hold `depth` values each.
    const int64_t planes = config_.nhwc_memory ? x[0] : x[0] * channels;
    const int64_t depth = config_.nhwc_memory ? channels : 1;
    const int h = config_.channels_last ? 1 : 2;
    const int64_t in_plane = x[h] * x[h + 1] * depth;
    const int64_t in_row = x[h + 1] * depth;
    const auto out_h = static_cast<int64_t>(state.rows.size());
    // From one pixel of the output to the next.
    const int64_t step = WritesStrided() ? run.out[0].PixelStride() : depth;
    const int64_t out_row = static_cast<int64_t>(state.columns.size()) * step;
    const int64_t grain =
        std::max<int64_t>(1, steps::kParallelGrain / std::max<int64_t>(1, out_row));
    steps::ParallelRanges(run.pool, planes * out_h, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Tap& row = state.rows[static_cast<size_t>(i % out_h)];
        const int64_t plane = i / out_h * in_plane;
        if (config_.bilinear) {
          const float* src = run.in[0].As<const float>() + plane;
          BlendRow(run.out[0].As<float>() + i * out_row, src + row.low * in_row,
                   src + row.high * in_row, row.share, state.columns, depth, step);
        } else {
          const auto size = static_cast<int64_t>(element_size());
          PickRow(static_cast<std::byte*>(run.out[0].data) + i * out_row * size,
                  static_cast<const std::byte*>(run.in[0].data) + (plane + row.low * in_row) * size,
                  state.columns, static_cast<size_t>(depth * size),
                  static_cast<size_t>(step * size));
        }
      }
    });
    return OkStatus();
  }
  bool SplitsByImage(const Dims& /*x*/) const override { return true; }
  bool WritesStrided() const override { return config_.nhwc_memory && !config_.channels_last; }

 private:
  Status OutputSize(const ShapeContext& shapes, int64_t in_h, int64_t in_w, int64_t* out_h,
                    int64_t* out_w) const {
    if (size_.from_tensor()) {
      SKIFF_ASSIGN_OR_RETURN(const std::vector<int64_t> size, size_.Read(shapes));
      if (size.size() != 2) return InvalidArgument("the output size is not two numbers");
      *out_h = size[0];
      *out_w = size[1];
      return OkStatus();
    }
    const auto scaled = [](int64_t n, float scale, int64_t otherwise) {
      if (!(scale > 0)) return otherwise;
      const float y = static_cast<float>(n) * scale;
      return y < 1e9F ? static_cast<int64_t>(y) : int64_t{-1};
    };
    *out_h = scaled(in_h, config_.scale_h, config_.out_h);
    *out_w = scaled(in_w, config_.scale_w, config_.out_w);
    return OkStatus();
  }

  void FillTaps(int64_t in, int64_t out, float scale, std::vector<Tap>* taps) const {
    float ratio = 0;
    if (out > 1) {
      if (config_.align_corners) {
        ratio = static_cast<float>(in - 1) / static_cast<float>(out - 1);
      } else if (config_.ratio_from_scale && scale > 0) {
        ratio = 1.0F / scale;
      } else {
        ratio = static_cast<float>(in) / static_cast<float>(out);
      }
    }
    taps->resize(static_cast<size_t>(out));
    for (int64_t k = 0; k < out; ++k) {
      Tap& tap = (*taps)[static_cast<size_t>(k)];
      const auto position = static_cast<float>(k);
      if (!config_.bilinear) {
        const float at = config_.align_corners ? ratio * position + 0.5F : ratio * position;
        tap.low = std::min(static_cast<int64_t>(at), in - 1);
        continue;
      }
      float at = ratio * position;
      if (config_.half_pixel) at = std::max(ratio * (position + 0.5F) - 0.5F, 0.0F);
      tap.low = std::min(static_cast<int64_t>(at), in - 1);
      tap.high = std::min(tap.low + 1, in - 1);
      tap.share = at - static_cast<float>(tap.low);
    }
  }

  // `pixel` bytes of each, `step` bytes apart.
  static void PickRow(std::byte* dst, const std::byte* src, const std::vector<Tap>& columns,
                      size_t pixel, size_t step) {
    if (pixel == 4 && step == 4) {  // one float per pixel, the common case of the plain layout
      for (size_t i = 0; i < columns.size(); ++i) {
        std::memcpy(dst + i * 4, src + columns[i].low * 4, 4);
      }
      return;
    }
    for (size_t i = 0; i < columns.size(); ++i) {
      std::memcpy(dst + i * step, src + static_cast<size_t>(columns[i].low) * pixel, pixel);
    }
  }

  static void BlendRow(float* dst, const float* top, const float* bottom, float down,
                       const std::vector<Tap>& columns, int64_t depth, int64_t step) {
    const float up = 1.0F - down;
    for (const Tap& c : columns) {
      const float right = c.share;
      const float left = 1.0F - right;
      const float* top_left = top + c.low * depth;
      const float* top_right = top + c.high * depth;
      const float* bottom_left = bottom + c.low * depth;
      const float* bottom_right = bottom + c.high * depth;
      for (int64_t k = 0; k < depth; ++k) {
        dst[k] = top_left[k] * up * left + bottom_left[k] * down * left +
                 top_right[k] * up * right + bottom_right[k] * down * right;
      }
      dst += step;
    }
  }

  InterpolateConfig config_;
  IntArgument size_;
};

Result<InterpolateConfig> Parse(const Node& node) {
  auto attributes = node.Attributes();
  InterpolateConfig config;
  config.ratio_from_scale = node.type.ends_with("_v2");
  config.bilinear = node.type.starts_with("bilinear");
  config.align_corners = attributes.Bool("align_corners", true);
  config.half_pixel = !config.align_corners && attributes.Int("align_mode", 1) == 0;
  config.out_h = attributes.Int("out_h", 0);
  config.out_w = attributes.Int("out_w", 0);
  const std::string layout = attributes.String("data_layout", "NCHW");
  // One number in the first version, a list of one or two in the second.
  std::vector<float> scale;
  const program::Attribute* attribute = program::FindAttribute(node.attributes, "scale");
  if (attribute != nullptr && std::holds_alternative<float>(attribute->value)) {
    scale = {attributes.Float("scale", 0.0F)};
  } else {
    scale = attributes.Floats("scale", {});
  }
  SKIFF_RETURN_IF_ERROR(attributes.status());
  config.channels_last = layout == "NHWC";
  config.nhwc_memory = config.channels_last || IsNhwc(node.In("X"));
  if (const graph::Value* tensor = node.In("Scale")) {
    const program::Tensor* constant = tensor->constant.get();
    if (constant == nullptr || constant->dtype != DType::kFloat32) {
      return Unsupported("slot Scale is not a constant");
    }
    const auto given = constant->As<float>();
    scale.assign(given.begin(), given.end());
  }
  if (scale.size() > 2) return InvalidArgument("scale lists more than two numbers");
  if (!scale.empty()) {
    config.scale_h = scale.front();
    config.scale_w = scale.back();
  }
  return config;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_ASSIGN_OR_RETURN(const InterpolateConfig config, Parse(node));
  if (config.bilinear) SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, "X"));
  return RequireSameType(node, "X", "Out");
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const InterpolateConfig config, Parse(node));
  Lowered lowered{nullptr, {node.In("X")}, {node.Out("Out")}};
  // A list of scalars goes before a tensor.
  const bool list = node.In("SizeTensor") != nullptr;
  IntArgument size =
      IntArgument::Bind(node, list ? "" : "OutSize", list ? "SizeTensor" : "", {}, &lowered);
  lowered.step = std::make_unique<InterpolateStep>(node.In("X")->dtype, config, std::move(size));
  return lowered;
}

bool IsChannelsFirst(const Node& node) {
  return node.Attributes().String("data_layout", "NCHW") != "NHWC";
}

}  // namespace

std::span<const OpDef> interpolate_ops() {
  static constexpr OpDef kOps[] = {
      {"nearest_interp", Check, Lower, LayoutRule::kFollow, IsChannelsFirst},
      {"nearest_interp_v2", Check, Lower, LayoutRule::kFollow, IsChannelsFirst},
      {"bilinear_interp", Check, Lower, LayoutRule::kFollow, IsChannelsFirst},
      {"bilinear_interp_v2", Check, Lower, LayoutRule::kFollow, IsChannelsFirst},
  };
  return kOps;
}

}  // namespace skiff::ops
