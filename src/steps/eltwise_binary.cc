#include "steps/eltwise_binary.h"

#include <algorithm>
#include <string>

#include "kernels/eltwise/eltwise_isa.h"
#include "steps/code_writer.h"
#include "steps/loop_nest.h"

namespace skiff::steps {
namespace {

using kernels::BinaryOp;
using kernels::BinaryRows;

// Strides of an operand over the axes of the result: 0 along those where it has one element.
Strides OperandStrides(const Dims& original, const Dims& aligned, bool nhwc) {
  Strides strides{};
  if (nhwc) {
    strides = DenseStrides(original, true);  // of rank 4, so the result's rank is its own
  } else {
    strides = DenseStrides(aligned, false);
  }
  for (int i = 0; i < aligned.rank(); ++i) {
    if (aligned[i] == 1) strides[static_cast<size_t>(i)] = 0;
  }
  return strides;
}

template <typename T>
bool HasZero(const Tensor& t) {
  const T* v = t.As<const T>();
  return std::find(v, v + t.dims.Numel(), T{0}) != v + t.dims.Numel();
}

class BinaryStep final : public Step {
 public:
  BinaryStep(Isa isa, const BinaryConfig& config)
      : config_(config),
        isa_(isa),
        kernel_(kernels::SelectBinary(isa, config.op, config.type)),
        // The values that shapes depend on are int64, whatever the tensor's type.
        int_kernel_(kernels::SelectBinary(isa, config.op, DType::kInt64)) {
    if (config.codes) writer_.emplace(*config.codes, isa);
  }

  Status Reshape(ShapeContext& shapes) const override {
    const Dims& a = shapes.in(0);
    const Dims& b = shapes.in(1);
    SKIFF_ASSIGN_OR_RETURN(const Broadcasting dims, Broadcast(a, b, config_.axis));
    const auto lies_nhwc = [&](bool nhwc, const Dims& d) {
      return !nhwc || (d.rank() == 4 && dims.out.rank() == 4);
    };
    if (!lies_nhwc(config_.nhwc_a, a) || !lies_nhwc(config_.nhwc_b, b) ||
        !lies_nhwc(config_.nhwc_out, dims.out)) {
      return InvalidArgument("operands " + a.ToString() + " and " + b.ToString() +
                             " should have four axes");
    }
    shapes.set_out(0, dims.out);
    PropagateInts(dims, shapes);
    return OkStatus();
  }

  Status Run(const RunContext& run) const noexcept override {
    const Tensor& a = run.in[0];
    const Tensor& b = run.in[1];
    if (Divides() && ((config_.type == DType::kInt32 && HasZero<int32_t>(b)) ||
                      (config_.type == DType::kInt64 && HasZero<int64_t>(b)))) {
      return InvalidArgument("an integer is divided by zero");
    }
    const Result<Broadcasting> dims = Broadcast(a.dims, b.dims, config_.axis);
    if (!dims.ok()) return dims.status();
    const size_t size = SizeOf(config_.type);
    if (writer_) {
      Walk(
          run.pool,
          [this](void* dst, const void* x, const void* y, const BinaryRows& shape) {
            WriteCodes(static_cast<uint8_t*>(dst), static_cast<const float*>(x),
                       static_cast<const float*>(y), shape);
          },
          size, 1, a, b, run.out[0].data, *dims);
    } else {
      Walk(run.pool, kernel_, size, kernels::IsPredicate(config_.op) ? 1 : size, a, b,
           run.out[0].data, *dims);
    }
    return OkStatus();
  }

  StepInfo Info() const override {
    return {.precision = config_.type == DType::kFloat32 ? "fp32" : std::string(Name(config_.type)),
            .kernel = kernels::EltwiseName(std::string("binary_") + config_.name,
                                           config_.type == DType::kFloat32 ? isa_ : Isa::kScalar)};
  }
  bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 private:
  [[nodiscard]] bool Divides() const {
    return config_.op == BinaryOp::kDiv || config_.op == BinaryOp::kMod ||
           config_.op == BinaryOp::kFloorDiv;
  }

  // Whole rows to a tile, or parts of one.
  void WriteCodes(uint8_t* dst, const float* a, const float* b, const BinaryRows& shape) const {
    alignas(64) CodeWriter::Tile tile;
    BinaryRows part = shape;
    const int64_t most_cols = std::min(shape.cols, CodeWriter::kTile);
    const int64_t most_rows = CodeWriter::kTile / most_cols;
    for (int64_t r = 0; r < shape.rows; r += part.rows) {
      part.rows = std::min(most_rows, shape.rows - r);
      for (int64_t c = 0; c < shape.cols; c += part.cols) {
        part.cols = std::min(most_cols, shape.cols - c);
        kernel_(tile.data(), a + r * shape.a_row + c * shape.a_col,
                b + r * shape.b_row + c * shape.b_col, part);
        writer_->Round(tile, part.rows * part.cols, dst + r * shape.cols + c);
      }
    }
  }

  // kernel(dst, a, b, shape) computes rows.
  template <typename Kernel>
  void Walk(ThreadPool* pool, const Kernel& kernel, size_t in_size, size_t out_size,
            const Tensor& a, const Tensor& b, void* out, const Broadcasting& dims) const {
    if (dims.out.Numel() <= 0) return;
    LoopNest<2> nest;
    nest.AddAll(dims.out, config_.nhwc_out,
                {OperandStrides(a.dims, dims.a, config_.nhwc_a),
                 OperandStrides(b.dims, dims.b, config_.nhwc_b)});
    nest.PadTo(2);
    const auto inner = static_cast<size_t>(nest.rank - 1);
    const int64_t cols = nest.extent[inner];
    int64_t rows = 1;
    for (size_t i = 0; i < inner; ++i) rows *= nest.extent[i];
    const auto at = [](const void* p, int64_t offset, size_t size) {
      return static_cast<const std::byte*>(p) + offset * static_cast<int64_t>(size);
    };
    BinaryRows shape{.rows = 1,
                     .cols = cols,
                     .a_row = nest.stride[0][inner - 1],
                     .b_row = nest.stride[1][inner - 1],
                     .a_col = nest.stride[0][inner],
                     .b_col = nest.stride[1][inner]};
    if (rows == 1) {
      ParallelRanges(pool, cols, kParallelGrain, [&](int64_t begin, int64_t end) {
        BinaryRows part = shape;
        part.cols = end - begin;
        kernel(static_cast<std::byte*>(out) + begin * static_cast<int64_t>(out_size),
               at(a.data, begin * shape.a_col, in_size), at(b.data, begin * shape.b_col, in_size),
               part);
      });
      return;
    }
    ParallelRanges(pool, rows, kParallelGrain / cols, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        // One call covers the rest of the second innermost axis.
        int64_t index = begin;
        int64_t offset_a = 0;
        int64_t offset_b = 0;
        int64_t count = 0;
        for (auto i = static_cast<int>(inner) - 1; i >= 0; --i) {
          const auto axis = static_cast<size_t>(i);
          const int64_t k = index % nest.extent[axis];
          index /= nest.extent[axis];
          offset_a += k * nest.stride[0][axis];
          offset_b += k * nest.stride[1][axis];
          if (axis == inner - 1) count = std::min(end - begin, nest.extent[axis] - k);
        }
        BinaryRows part = shape;
        part.rows = count;
        kernel(static_cast<std::byte*>(out) + begin * cols * static_cast<int64_t>(out_size),
               at(a.data, offset_a, in_size), at(b.data, offset_b, in_size), part);
        begin += count;
      }
    });
  }

  void PropagateInts(const Broadcasting& dims, ShapeContext& shapes) const {
    const IntValues* a = shapes.ints(0);
    const IntValues* b = shapes.ints(1);
    const int64_t n = dims.out.Numel();
    if (a == nullptr || b == nullptr || dims.out.rank() > 1 || n < 0 || n > IntValues::kMax ||
        kernels::IsPredicate(config_.op) ||
        (config_.type != DType::kInt32 && config_.type != DType::kInt64)) {
      return;
    }
    if (a->count != shapes.in(0).Numel() || b->count != shapes.in(1).Numel()) return;
    if (Divides() &&
        std::find(b->v.begin(), b->v.begin() + b->count, 0) != b->v.begin() + b->count) {
      return;  // Run reports it
    }
    IntValues left = *a;
    IntValues right = *b;
    IntValues out{.count = static_cast<int>(n), .v = {}};
    ThreadPool inline_pool(1);
    Walk(&inline_pool, int_kernel_, sizeof(int64_t), sizeof(int64_t), {left.v.data(), shapes.in(0)},
         {right.v.data(), shapes.in(1)}, out.v.data(), dims);
    shapes.set_out_ints(0, out);
  }

  BinaryConfig config_;
  Isa isa_;
  kernels::BinaryKernel kernel_;
  kernels::BinaryKernel int_kernel_;
  std::optional<CodeWriter> writer_;
};

}  // namespace

Result<Broadcasting> Broadcast(const Dims& a, const Dims& b, int64_t axis) {
  const auto fail = [&] {
    return InvalidArgument("operands " + a.ToString() + " and " + b.ToString() +
                           " do not broadcast with axis " + std::to_string(axis));
  };
  const bool a_smaller = a.rank() < b.rank();
  const Dims& big = a_smaller ? b : a;
  const Dims& small = a_smaller ? a : b;
  const int rank = big.rank();
  int kept = small.rank();
  const int64_t start = kept == rank ? 0 : (axis == -1 ? rank - kept : axis);
  if (start < 0 || start > rank) return fail();
  while (start + kept > rank && kept > 0 && small[kept - 1] == 1) --kept;
  if (start + kept > rank) return fail();
  Broadcasting result;
  Dims aligned;
  for (int i = 0; i < rank; ++i) {
    const auto j = static_cast<int>(i - start);
    aligned.push_back(i >= start && j < kept ? small[j] : 1);
  }
  for (int i = 0; i < rank; ++i) {
    const int64_t x = big[i];
    const int64_t y = aligned[i];
    if (x != y && x != 1 && y != 1) return fail();
    result.out.push_back(x == 1 ? y : x);
  }
  result.a = a_smaller ? aligned : big;
  result.b = a_smaller ? big : aligned;
  return result;
}

std::unique_ptr<Step> MakeBinaryStep(Isa isa, const BinaryConfig& config) {
  return std::make_unique<BinaryStep>(isa, config);
}

}  // namespace skiff::steps
