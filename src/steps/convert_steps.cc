#include "steps/convert_steps.h"

#include <algorithm>
#include <string>

#include "kernels/convert/convert.h"
#include "steps/strided_copy.h"

namespace skiff::steps {
namespace {

// Elements that one task converts: enough to be worth a hand-over, few enough to stay in L2.
constexpr int64_t kChunk = 32768;

// A value as `images` matrices [rows][columns], which a change of layout transposes.
struct Matrices {
  int64_t images = 1;
  int64_t rows = 1;
  int64_t columns = 1;
};

Matrices MatricesOf(const Dims& x, MemoryLayout from) {
  const int64_t plane = x[2] * x[3];
  if (from == MemoryLayout::kPlain) return {x[0], x[1], plane};
  return {x[0], plane, x[1]};
}

// Calls fn(image, first column, end column) for all columns of all images.
template <typename Fn>
void ForColumns(const Matrices& m, ThreadPool* pool, const Fn& fn) {
  // Whole vectors of columns.
  const int64_t width = std::max<int64_t>(64, kChunk / std::max<int64_t>(m.rows, 1) / 64 * 64);
  const int64_t parts = (m.columns + width - 1) / width;
  pool->ParallelFor(m.images * parts, [&](int64_t i) {
    const int64_t begin = i % parts * width;
    fn(i / parts, begin, std::min(m.columns, begin + width));
  });
}

template <typename Fn>
void ForElements(int64_t n, ThreadPool* pool, const Fn& fn) {
  pool->ParallelFor((n + kChunk - 1) / kChunk,
                    [&](int64_t i) { fn(i * kChunk, std::min(n, (i + 1) * kChunk)); });
}

class Conversion : public Step {
 public:
  Conversion(MemoryLayout from, MemoryLayout to, std::string kernel)
      : from_(from), to_(to), kernel_(std::move(kernel)) {}

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    if (transposes() && x.rank() != 4) {
      return InvalidArgument("only values of 4 dimensions change between NCHW and NHWC; this is " +
                             x.ToString());
    }
    if (x.Numel() < 0)
      return InvalidArgument("the input " + x.ToString() + " has no valid extents");
    shapes.set_out(0, x);
    return OkStatus();
  }

  [[nodiscard]] StepInfo Info() const override {
    StepInfo info;
    info.precision = "int8";
    info.kernel = kernel_;
    return info;
  }
  [[nodiscard]] bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 protected:
  [[nodiscard]] bool transposes() const { return from_ != to_; }
  [[nodiscard]] MemoryLayout from() const { return from_; }

 private:
  MemoryLayout from_;
  MemoryLayout to_;
  std::string kernel_;
};

class Quantize final : public Conversion {
 public:
  Quantize(const CodeGrid& grid, MemoryLayout from, MemoryLayout to, Isa isa)
      : Conversion(from, to, kernels::FindQuantize(isa)->name),
        params_(QuantizeParamsOf(grid)),
        fns_{kernels::FindQuantize(isa)->run, kernels::FindTranspose(1, isa)->run} {}

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    const auto* src = run.in[0].As<const float>();
    auto* dst = run.out[0].As<uint8_t>();
    if (!transposes()) {
      ForElements(x.Numel(), run.pool, [&](int64_t begin, int64_t end) {
        fns_.quantize(params_, src + begin, end - begin, dst + begin);
      });
      return OkStatus();
    }
    const Matrices m = MatricesOf(x, from());
    ForColumns(m, run.pool, [&](int64_t image, int64_t begin, int64_t end) {
      const int64_t at = image * m.rows * m.columns;
      kernels::QuantizeToNhwc(fns_, params_, src + at, m.rows, m.columns, begin, end,
                              dst + at + begin * m.rows);
    });
    return OkStatus();
  }

 private:
  kernels::QuantizeParams params_;
  kernels::QuantizeTranspose fns_;
};

class Dequantize final : public Conversion {
 public:
  Dequantize(const CodeGrid& grid, MemoryLayout from, MemoryLayout to, Isa isa)
      : Conversion(from, to, kernels::FindDequantize(isa)->name),
        step_(DequantizeMultiplier(grid)),
        is_unsigned_(grid.is_unsigned),
        fns_{kernels::FindDequantize(isa)->run, kernels::FindTranspose(1, isa)->run} {}

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    const auto* src = run.in[0].As<const uint8_t>();
    auto* dst = run.out[0].As<float>();
    if (!transposes()) {
      ForElements(x.Numel(), run.pool, [&](int64_t begin, int64_t end) {
        fns_.dequantize(step_, is_unsigned_, src + begin, end - begin, dst + begin);
      });
      return OkStatus();
    }
    // Columns of the output: the rows of the input.
    const Matrices m = MatricesOf(x, from());
    const Matrices out = {m.images, m.columns, m.rows};
    ForColumns(out, run.pool, [&](int64_t image, int64_t begin, int64_t end) {
      const int64_t at = image * m.rows * m.columns;
      kernels::DequantizeToNchw(fns_, step_, is_unsigned_, src + at, m.columns, m.rows, begin, end,
                                dst + at);
    });
    return OkStatus();
  }

 private:
  float step_;
  bool is_unsigned_;
  kernels::DequantizeTranspose fns_;
};

class TransferLayout final : public Conversion {
 public:
  TransferLayout(DType dtype, const kernels::ConvertKernel<kernels::TransposeFn>& kernel,
                 MemoryLayout from, MemoryLayout to)
      : Conversion(from, to, kernel.name), dtype_(dtype), transpose_(kernel.run) {}

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    const Matrices m = MatricesOf(run.in[0].dims, from());
    const auto size = static_cast<int64_t>(SizeOf(dtype_));
    const auto* src = run.in[0].As<const char>();
    auto* dst = run.out[0].As<char>();
    if (m.rows == 1 || m.columns == 1) {  // lies the same in both layouts
      CopyView(run.pool, SizeOf(dtype_), {run.in[0].dims.Numel()}, false, dst, {1}, src, {1});
      return OkStatus();
    }
    ForColumns(m, run.pool, [&](int64_t image, int64_t begin, int64_t end) {
      const int64_t at = image * m.rows * m.columns;
      transpose_(src + (at + begin) * size, m.columns, m.rows, end - begin,
                 dst + (at + begin * m.rows) * size, m.rows);
    });
    return OkStatus();
  }

  [[nodiscard]] StepInfo Info() const override {
    StepInfo info = Conversion::Info();
    info.precision = Name(dtype_);
    return info;
  }

 private:
  DType dtype_;
  kernels::TransposeFn transpose_;
};

}  // namespace

Result<std::unique_ptr<Step>> MakeQuantize(const CodeGrid& grid, MemoryLayout from, MemoryLayout to,
                                           Isa isa) {
  SKIFF_RETURN_IF_ERROR(CheckGrid(grid, "the output"));
  return std::unique_ptr<Step>(std::make_unique<Quantize>(grid, from, to, isa));
}

Result<std::unique_ptr<Step>> MakeDequantize(const CodeGrid& grid, MemoryLayout from,
                                             MemoryLayout to, Isa isa) {
  SKIFF_RETURN_IF_ERROR(CheckGrid(grid, "the input"));
  return std::unique_ptr<Step>(std::make_unique<Dequantize>(grid, from, to, isa));
}

Result<std::unique_ptr<Step>> MakeTransferLayout(DType dtype, MemoryLayout from, MemoryLayout to,
                                                 Isa isa) {
  if (from == to) return InvalidArgument("the layout does not change");
  const auto* kernel = kernels::FindTranspose(static_cast<int64_t>(SizeOf(dtype)), isa);
  if (kernel == nullptr) {
    return Unsupported("a change of layout of " + std::string(Name(dtype)) + " values");
  }
  return std::unique_ptr<Step>(std::make_unique<TransferLayout>(dtype, *kernel, from, to));
}

}  // namespace skiff::steps
