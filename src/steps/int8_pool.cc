#include "steps/int8_pool.h"

#include <algorithm>
#include <optional>
#include <string>

#include "kernels/pool/pool.h"
#include "steps/code_writer.h"

namespace skiff::steps {
namespace {

using kernels::PoolKind;
using kernels::StoreType;

// The part of one window along one axis that lies in the input, and how many elements count.
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t count = 0;
};

// Pooling along one axis.
struct Axis {
  int64_t in = 0;
  int64_t out = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  WindowAxis padding;
  bool adaptive = false;
  bool exclusive = true;

  [[nodiscard]] Span At(int64_t i) const {
    if (adaptive) {
      const int64_t begin = i * in / out;
      const int64_t end = ((i + 1) * in + out - 1) / out;
      return {begin, end, end - begin};
    }
    const int64_t start = i * stride - padding.before;
    Span s;
    s.begin = std::clamp<int64_t>(start, 0, in);
    s.end = std::clamp<int64_t>(start + kernel, s.begin, in);
    // Paddle counts the padding up to the width of the one in front, at both ends.
    s.count = exclusive ? s.end - s.begin : std::min(start + kernel, in + padding.before) - start;
    return s;
  }
};

PoolKind KindOf(const PoolSpec& spec) {
  if (spec.kind == PoolSpec::Kind::kAverage) {
    return spec.input_is_float ? PoolKind::kAverageF32 : PoolKind::kAverageCodes;
  }
  if (spec.input_is_float) return PoolKind::kMaxF32;
  return spec.input.is_unsigned ? PoolKind::kMaxU8 : PoolKind::kMaxS8;
}

class Pool final : public Step {
 public:
  Pool(const PoolSpec& spec, Isa isa)
      : spec_(spec), kernel_(kernels::FindPoolKernel(KindOf(spec), isa)) {
    const bool averages_codes = kernel_->kind == PoolKind::kAverageCodes;
    if (averages_codes && !spec.output_is_float) {
      store_ = spec.output.is_unsigned ? StoreType::kU8 : StoreType::kS8;
    }
    if (spec.input_is_float && !spec.output_is_float) writer_.emplace(spec.output, isa);
    in_bytes_ = spec.input_is_float ? 4 : 1;
    out_bytes_ = averages_codes ? kernels::ElementBytes(store_) : writer_ ? 1 : in_bytes_;
  }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    if (x.rank() != 4 || x.Numel() < 0) {
      return InvalidArgument("the input of pooling must have 4 dimensions; it is " + x.ToString());
    }
    const Axis rows = Rows(x);
    const Axis columns = Columns(x);
    if (rows.out < 1 || columns.out < 1 || rows.in < 1 || columns.in < 1) {
      return InvalidArgument("the input " + x.ToString() + " is too small for a window of " +
                             std::to_string(rows.kernel) + " x " + std::to_string(columns.kernel));
    }
    if (x[2] * x[3] > (int64_t{1} << 23)) {
      return Unsupported("pooling of an input as large as " + x.ToString());
    }
    shapes.set_out(0, {x[0], x[1], rows.out, columns.out});
    return OkStatus();
  }

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    const Axis rows = Rows(x);
    const Axis columns = Columns(x);
    run.pool->ParallelFor(x[0] * rows.out, [&](int64_t i) {
      RunRow(run, rows, columns, i / rows.out, i % rows.out);
    });
    return OkStatus();
  }

  [[nodiscard]] StepInfo Info() const override {
    StepInfo info;
    info.precision = spec_.input_is_float ? "fp32" : "int8";
    info.kernel = kernel_->name;
    return info;
  }
  [[nodiscard]] bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 private:
  void RunRow(const RunContext& run, const Axis& rows, const Axis& columns, int64_t image,
              int64_t oy) const {
    const int64_t channels = run.in[0].dims[1];
    kernels::PoolWindow w;
    w.channels = channels;
    w.pixel_stride = channels * in_bytes_;
    w.row_stride = columns.in * w.pixel_stride;
    w.src_is_unsigned = spec_.input.is_unsigned;
    w.store = store_;
    const auto most = static_cast<float>(spec_.output.max_code);
    w.lo = static_cast<float>(spec_.output.lowest());
    w.hi = most;
    w.half_away = spec_.output.round == RoundMode::kHalfAway;
    const Span y = rows.At(oy);
    w.rows = y.end - y.begin;
    const auto* row = run.in[0].As<const char>() + (image * rows.in + y.begin) * w.row_stride;
    auto* dst =
        run.out[0].As<char>() + (image * rows.out + oy) * columns.out * channels * out_bytes_;
    for (int64_t ox = 0; ox < columns.out; ++ox, dst += channels * out_bytes_) {
      const Span s = columns.At(ox);
      w.columns = s.end - s.begin;
      w.src = row + s.begin * w.pixel_stride;
      const int64_t count = std::max<int64_t>(y.count * s.count, 1);
      w.divisor = static_cast<float>(count);
      w.multiplier = Multiplier(count);
      RunWindow(w, dst);
    }
  }

  void RunWindow(kernels::PoolWindow w, char* dst) const {
    if (!writer_) {
      w.dst = dst;
      kernel_->run(w);
      return;
    }
    const auto* src = static_cast<const float*>(w.src);
    writer_->Write(0, w.channels, reinterpret_cast<uint8_t*>(dst),
                   [&](int64_t channel, int64_t n, float* floats) {
                     w.src = src + channel;
                     w.channels = n;
                     w.dst = floats;
                     kernel_->run(w);
                   });
  }

  // A product of steps in double, rounded once.
  [[nodiscard]] float Multiplier(int64_t count) const {
    const double unit = store_ == StoreType::kF32 ? 1.0 : spec_.output.step;
    return static_cast<float>(spec_.input.step / (static_cast<double>(count) * unit));
  }

  [[nodiscard]] Axis MakeAxis(int64_t in, int64_t kernel, int64_t stride, int64_t before,
                              int64_t after) const {
    Axis axis;
    axis.in = in;
    axis.exclusive = spec_.exclusive;
    if (spec_.global_pooling) {
      axis.kernel = in;
      axis.out = 1;
      return axis;
    }
    axis.kernel = kernel;
    axis.stride = stride;
    if (spec_.adaptive) {
      axis.adaptive = true;
      axis.out = kernel;
      return axis;
    }
    axis.padding = ResolveWindow(spec_.padding, in, kernel, stride, {before, after, 1});
    axis.out = WindowCount(in, kernel, stride, axis.padding, spec_.ceil_mode);
    return axis;
  }
  [[nodiscard]] Axis Rows(const Dims& x) const {
    return MakeAxis(x[2], spec_.kernel_h, spec_.stride_h, spec_.pads[0], spec_.pads[1]);
  }
  [[nodiscard]] Axis Columns(const Dims& x) const {
    return MakeAxis(x[3], spec_.kernel_w, spec_.stride_w, spec_.pads[2], spec_.pads[3]);
  }

  PoolSpec spec_;
  const kernels::PoolKernel* kernel_;
  StoreType store_ = StoreType::kF32;  // of averaged codes
  std::optional<CodeWriter> writer_;   // where floats become codes
  int64_t in_bytes_;
  int64_t out_bytes_;
};

}  // namespace

Result<std::unique_ptr<Step>> MakePool(const PoolSpec& spec, Isa isa) {
  for (const int64_t v : {spec.kernel_h, spec.kernel_w, spec.stride_h, spec.stride_w}) {
    if (v < 1) {
      return InvalidArgument("a window or stride of pooling is " + std::to_string(v));
    }
  }
  for (const int64_t pad : spec.pads) {
    if (pad < 0) return InvalidArgument("a padding is " + std::to_string(pad));
  }
  if (!spec.input_is_float) SKIFF_RETURN_IF_ERROR(CheckGrid(spec.input, "the input"));
  const bool keeps_grid = !spec.input_is_float && spec.kind == PoolSpec::Kind::kMax;
  if (!keeps_grid && !spec.output_is_float) {
    SKIFF_RETURN_IF_ERROR(CheckGrid(spec.output, "the output"));
  }
  return std::unique_ptr<Step>(std::make_unique<Pool>(spec, isa));
}

}  // namespace skiff::steps
