#include "steps/fake_quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "kernels/eltwise/eltwise_isa.h"
#include "steps/loop_nest.h"

namespace skiff::steps {
namespace {

using kernels::FakeQuantize;
using kernels::FakeQuantizeRows;

// An array in memory order, split at its channels.
struct Planes {
  int64_t outer = 1;
  int64_t channels = 1;
  int64_t inner = 1;
};

Planes Split(const Dims& dims, int64_t axis, bool nhwc) {
  if (axis < 0) return {.outer = 1, .channels = 1, .inner = dims.Numel()};
  const auto a = static_cast<int>(axis);
  if (nhwc) {
    const Dims memory{dims[0], dims[2], dims[3], dims[1]};
    static constexpr int kPosition[] = {0, 3, 1, 2};
    return Split(memory, kPosition[a], false);
  }
  return {
      .outer = dims.Product(0, a), .channels = dims[a], .inner = dims.Product(a + 1, dims.rank())};
}

class FakeQuantizeStep final : public Step {
 public:
  FakeQuantizeStep(Isa isa, const FakeQuantizeConfig& config)
      : config_(config),
        isa_(isa),
        kernel_(kernels::SelectFakeQuantize(isa, config.mode)),
        abs_max_(kernels::SelectAbsMax(isa)) {}

  Status Reshape(ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    if (config_.axis >= x.rank() || (config_.nhwc && x.rank() != 4)) {
      return InvalidArgument("quant_axis " + std::to_string(config_.axis) +
                             " of an array of shape " + x.ToString());
    }
    const int64_t channels = config_.axis < 0 ? 1 : x[static_cast<int>(config_.axis)];
    if (config_.scale == FakeQuantizeConfig::Scale::kGiven) {
      // Files hold scales as [], [1], [C] or [1, C]; a tensor that has one scale may list more.
      const int64_t given = shapes.in(1).Numel();
      if (given < 1 || (config_.axis >= 0 && given != channels)) {
        return InvalidArgument(std::to_string(given) + " scales for an array of shape " +
                               x.ToString() + " with quant_axis " + std::to_string(config_.axis));
      }
    }
    if (config_.second_scale && shapes.in(2).Numel() < 1) {
      return InvalidArgument("the second scale is empty");
    }
    shapes.set_out(0, x);
    if (config_.writes_scale) shapes.set_out(1, Dims{channels});
    // Scales that are found and not written out live in the workspace.
    shapes.set_workspace(static_cast<size_t>(channels) * sizeof(float));
    return OkStatus();
  }

  Status Run(const RunContext& run) const noexcept override {
    const Tensor& x = run.in[0];
    const Planes planes = Split(x.dims, config_.axis, config_.nhwc);
    auto* dst = run.out[0].As<float>();
    const float* src = x.As<const float>();
    if (config_.src_type == DType::kInt8) {
      const auto* codes = x.As<const int8_t>();
      std::copy(codes, codes + x.dims.Numel(), dst);
      src = dst;
    }
    const float* scale = nullptr;
    if (config_.scale == FakeQuantizeConfig::Scale::kAbsMax) {
      auto* found = reinterpret_cast<float*>(run.workspace);
      FindScales(run.pool, src, planes, found);
      scale = found;
    } else {
      scale = run.in[1].As<const float>();
    }
    if (config_.writes_scale) {
      std::memcpy(run.out[1].data, scale, static_cast<size_t>(planes.channels) * sizeof(float));
    }
    const float scale2 = config_.second_scale ? *run.in[2].As<const float>() : 1.0F;
    Apply(run.pool, dst, src, planes, scale, scale2);
    return OkStatus();
  }

  StepInfo Info() const override {
    return {.precision = "fp32", .kernel = kernels::EltwiseName("fake_quantize", isa_)};
  }
  int InPlaceInput() const override { return config_.src_type == DType::kFloat32 ? 0 : -1; }

 private:
  void FindScales(ThreadPool* pool, const float* src, const Planes& p, float* scale) const {
    if (p.inner == 1) {
      std::fill_n(scale, p.channels, 0.0F);
      for (int64_t o = 0; o < p.outer; ++o) {
        for (int64_t c = 0; c < p.channels; ++c) {
          scale[c] = std::max(scale[c], std::fabs(src[o * p.channels + c]));
        }
      }
      return;
    }
    ParallelRanges(pool, p.channels, kParallelGrain / std::max<int64_t>(1, p.outer * p.inner),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t c = begin; c < end; ++c) {
                       float most = 0;
                       for (int64_t o = 0; o < p.outer; ++o) {
                         most = std::max(most,
                                         abs_max_(src + (o * p.channels + c) * p.inner, p.inner));
                       }
                       scale[c] = most;
                     }
                   });
  }

  void Apply(ThreadPool* pool, float* dst, const float* src, const Planes& p, const float* scale,
             float scale2) const {
    FakeQuantizeRows shape{.rows = 0,
                           .cols = 0,
                           .first = 0,
                           .channels = p.channels,
                           .scale_row = 1,
                           .scale_step = 0,
                           .scale = scale,
                           .scale2 = scale2,
                           .bound = config_.bound};
    if (p.channels == 1) {  // one scale: one long row
      ParallelRanges(pool, p.outer * p.inner, kParallelGrain, [&](int64_t begin, int64_t end) {
        FakeQuantizeRows part = shape;
        part.rows = 1;
        part.cols = end - begin;
        kernel_(dst + begin, src + begin, part);
      });
      return;
    }
    int64_t rows = p.outer * p.channels;
    shape.cols = p.inner;
    if (p.inner == 1) {  // the channels are the rows' elements
      rows = p.outer;
      shape.cols = p.channels;
      shape.channels = 1;
      shape.scale_row = 0;
      shape.scale_step = 1;
    }
    ParallelRanges(pool, rows, kParallelGrain / std::max<int64_t>(1, shape.cols),
                   [&](int64_t begin, int64_t end) {
                     FakeQuantizeRows part = shape;
                     part.rows = end - begin;
                     part.first = begin;
                     kernel_(dst + begin * shape.cols, src + begin * shape.cols, part);
                   });
  }

  FakeQuantizeConfig config_;
  Isa isa_;
  kernels::FakeQuantizeKernel kernel_;
  kernels::AbsMaxKernel abs_max_;
};

}  // namespace

std::unique_ptr<Step> MakeFakeQuantizeStep(Isa isa, const FakeQuantizeConfig& config) {
  return std::make_unique<FakeQuantizeStep>(isa, config);
}

}  // namespace skiff::steps
