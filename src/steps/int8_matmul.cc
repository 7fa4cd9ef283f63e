#include "steps/int8_matmul.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "kernels/conv/conv.h"
#include "steps/int8_source.h"

namespace skiff::steps {
namespace {

using kernels::ConvInput;
using kernels::ConvKernel;

// The product as matrices [m, k] x [k, n] (or [n, k], transposed), one pair for each of `batches`.
struct Batches {
  MatmulShape shape;
  int64_t batches = 0, m = 0;

  explicit Batches(const MatmulShape& s) : shape(s) {
    const int rank = shape.left.rank();
    batches = 1;
    for (int i = 0; i < rank - 2; ++i) batches *= std::max(shape.left[i], shape.right[i]);
    m = shape.left[rank - 2];
  }

  // Which matrix of an operand belongs to a batch: extents of 1 serve all.
  [[nodiscard]] static int64_t MatrixOf(const Dims& operand, const Dims& other, int64_t batch) {
    int64_t at = 0, stride = 1;
    for (int i = operand.rank() - 3; i >= 0; --i) {
      const int64_t extent = std::max(operand[i], other[i]);
      if (operand[i] != 1) at += batch % extent * stride;
      stride *= operand[i];
      batch /= extent;
    }
    return at;
  }
};

// What one thread of a run needs at the extents that it saw last.
struct Int8MatmulState final : StepState {
  OwnedEpilogue epilogue;
  std::vector<kernels::PackedConv> packed;  // one for each thread
};

class Int8Matmul final : public Step {
 public:
  Int8Matmul(const Int8MatmulSpec& spec, const ConvKernel* kernel, Isa isa)
      : spec_(spec),
        kernel_(kernel),
        source_(spec.left, false, false, kernel->input == ConvInput::kS16, isa) {}

  [[nodiscard]] std::unique_ptr<StepState> NewState() const override {
    return std::make_unique<Int8MatmulState>();
  }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    SKIFF_ASSIGN_OR_RETURN(const MatmulShape resolved,
                           ResolveMatmul(spec_.product, shapes.in(0), shapes.in(1)));
    if (resolved.out.Numel() < 0) return ResourceExhausted("output of the product is too large");
    if (resolved.k > kernels::MaxConvDepth(spec_.left.max_code)) {
      return Unsupported("operands " + shapes.in(0).ToString() + " and " + shapes.in(1).ToString() +
                         " in INT8: sums of " + std::to_string(resolved.k) +
                         " products may overflow 32 bits");
    }
    shapes.set_out(0, resolved.out);
    shapes.set_workspace(source_.WorkspaceBytes(Rows(resolved)));
    auto& state = static_cast<Int8MatmulState&>(*shapes.state());
    state.epilogue = EpilogueOf(resolved.n, resolved.k);
    state.packed.clear();
    if (resolved.k == 0 || resolved.n == 0) return OkStatus();
    for (int t = 0; t < shapes.threads(); ++t) {
      state.packed.push_back(kernels::AllocateConv(*kernel_, resolved.n, resolved.k));
    }
    return OkStatus();
  }

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    auto& state = static_cast<Int8MatmulState&>(*run.state);
    const Result<MatmulShape> resolved =
        ResolveMatmul(spec_.product, run.in[0].dims, run.in[1].dims);
    if (!resolved.ok()) return resolved.status();
    const Batches product(*resolved);
    const int64_t elements = run.out[0].dims.Numel();
    if (elements == 0) return OkStatus();
    if (product.shape.k == 0) {  // sums of nothing; the code of 0 is 0
      const int64_t bytes = elements * kernels::ElementBytes(state.epilogue.epilogue.store);
      std::memset(run.out[0].data, 0, static_cast<size_t>(bytes));
      return OkStatus();
    }
    const void* const left =
        source_.Prepare(Rows(product.shape), run.in[0].data, run.workspace, run.pool);
    RunBatches(product, left, run, &state);
    return OkStatus();
  }

  [[nodiscard]] StepInfo Info() const override {
    StepInfo info;
    info.precision = "int8";
    info.kernel = kernel_->name;
    return info;
  }

  [[nodiscard]] bool SplitsByImage(const Dims& x) const override {
    return HasMatrixPerImage(spec_.product, x);
  }

  [[nodiscard]] int64_t MultiplyAdds(std::span<const Dims> in,
                                     std::span<const Dims> out) const override {
    const auto shape = ResolveMatmul(spec_.product, in[0], in[1]);
    return shape.ok() ? out[0].Numel() * shape->k : 0;
  }

 private:
  // All matrices of the left operand.
  [[nodiscard]] static SourceImage Rows(const MatmulShape& shape) {
    const int rank = shape.left.rank();
    return {.images = 1,
            .h = shape.left.Product(0, rank - 1),
            .w = 1,
            .channels = shape.left[rank - 1]};
  }

  [[nodiscard]] OwnedEpilogue EpilogueOf(int64_t n, int64_t k) const {
    EpilogueSpec e;
    e.channels = n;
    e.max_sum = MaxSum(spec_.left, k);
    e.input_step = spec_.left.step;
    e.weight_step = {spec_.right.step * double{spec_.product.alpha}};
    e.output_is_float = spec_.output_is_float;
    e.output = spec_.output;
    return MakeEpilogue(e);
  }

  // Splits the batches over the pool, and where they are too few, the panels and rows of each. A
  // part packs the panels that it reads.
  void RunBatches(const Batches& product, const void* left, const RunContext& run,
                  Int8MatmulState* state) const {
    constexpr int64_t kLeastRows = 24;
    const int64_t threads = run.pool->threads();
    const int64_t panels = state->packed[0].panels;
    const int64_t wanted = (threads + product.batches - 1) / product.batches;
    const int64_t panel_parts = std::min(wanted, panels);
    const int64_t row_parts =
        std::clamp<int64_t>(product.m / kLeastRows, 1, (wanted + panel_parts - 1) / panel_parts);
    const int64_t parts = panel_parts * row_parts;
    run.pool->ParallelFor(product.batches * parts, [&](int64_t i, int thread) {
      kernels::PackedConv& packed = state->packed[static_cast<size_t>(thread)];
      const int64_t batch = i / parts;
      const int64_t panel_part = i % parts / row_parts, row_part = i % row_parts;
      const int64_t panel_begin = panels * panel_part / panel_parts;
      const int64_t panel_end = panels * (panel_part + 1) / panel_parts;
      PackCodes(*kernel_, RightOf(product, batch, run.in[1].data), panel_begin, panel_end, &packed);
      kernels::ConvRun conv = RunOf(product, batch, left, run.out[0].data, state->epilogue);
      conv.groups = {&packed, 1};
      kernels::RunConvPart(conv, product.m * row_part / row_parts,
                           product.m * (row_part + 1) / row_parts, panel_begin, panel_end, nullptr);
    });
  }

  [[nodiscard]] static kernels::ConvCodes RightOf(const Batches& product, int64_t batch,
                                                  const void* codes) {
    const MatmulShape& shape = product.shape;
    const int64_t matrix = Batches::MatrixOf(shape.right, shape.left, batch);
    return {.data = static_cast<const int8_t*>(codes) + matrix * shape.k * shape.n,
            .out_channels = shape.n,
            .depth = shape.k,
            .inputs_lie_together = shape.transpose_right};
  }

  // Lacks its weights.
  [[nodiscard]] kernels::ConvRun RunOf(const Batches& product, int64_t batch, const void* left,
                                       void* out, const OwnedEpilogue& epilogue) const {
    const MatmulShape& shape = product.shape;
    const int64_t matrix = Batches::MatrixOf(shape.left, shape.right, batch);
    const int64_t row_bytes = shape.k * kernels::ElementBytes(kernel_->input);
    const kernels::Epilogue& e = epilogue.epilogue;
    kernels::ConvRun conv;
    conv.kernel = kernel_;
    conv.geometry.in_h = conv.geometry.out_h = 1;
    conv.geometry.in_w = conv.geometry.out_w = product.m;
    conv.geometry.pixel_bytes = row_bytes;
    conv.input = static_cast<const std::byte*>(left) + matrix * product.m * row_bytes;
    conv.zeros = conv.input;  // there is no padding
    conv.epilogue = &e;
    conv.dst_stride = shape.n * kernels::ElementBytes(e.store);
    conv.dst = static_cast<std::byte*>(out) + batch * product.m * conv.dst_stride;
    return conv;
  }

  Int8MatmulSpec spec_;
  const ConvKernel* kernel_;
  ConvSource source_;
};

}  // namespace

Result<std::unique_ptr<Step>> MakeInt8Matmul(const Int8MatmulSpec& spec, Isa isa) {
  if (spec.product.transpose_x) return Unsupported("INT8 products of a transposed left operand");
  SKIFF_RETURN_IF_ERROR(CheckGrid(spec.left, "the left operand"));
  SKIFF_RETURN_IF_ERROR(CheckGrid(spec.right, "the right operand"));
  if (spec.right.max_code > 127) {
    return Unsupported("INT8 products with codes up to " + std::to_string(spec.right.max_code) +
                       " on the right");
  }
  if (!spec.output_is_float) SKIFF_RETURN_IF_ERROR(CheckGrid(spec.output, "the output"));
  // Extents are known in a run only: the best kernel for products that fill its blocks.
  constexpr int64_t kUsualDepth = 64;
  const ConvKernel* kernel = kernels::FindConvKernel({.is_unsigned = spec.left.is_unsigned,
                                                      .max_code = spec.left.max_code,
                                                      .tap_depth = kUsualDepth,
                                                      .may_pre_add = false},
                                                     isa);
  return std::unique_ptr<Step>(std::make_unique<Int8Matmul>(spec, kernel, isa));
}

}  // namespace skiff::steps
