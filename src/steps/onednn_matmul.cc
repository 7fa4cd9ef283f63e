#include <cstring>
#include <utility>

#include "onednn/product.h"
#include "steps/onednn_product.h"
#include "steps/onednn_state.h"

namespace skiff::steps {
namespace {

Status Mismatch(const Dims& x, const Dims& y) {
  return InvalidArgument("operands " + x.ToString() + " and " + y.ToString() +
                         " do not make a product");
}

// An operand as [batch..., rows, columns], before transposition. A vector is a row on the left and
// a column on the right; `keeps` is false when the extent that this adds is dropped from the
// output.
struct Operand {
  Dims dims;
  bool transpose = false;
  bool keeps = true;
};

Operand ReadOperand(const Dims& dims, bool transpose, bool left, MatmulSpec::Form form) {
  if (dims.rank() > 1) return {dims, transpose, true};
  const int64_t n = dims[0];
  const bool turned = transpose && form == MatmulSpec::Form::kMatmul;
  return {left ? Dims{1, n} : Dims{n, 1}, turned, turned};
}

Dims WithRank(const Dims& dims, int rank) {
  Dims padded;
  for (int i = dims.rank(); i < rank; ++i) padded.push_back(1);
  for (int64_t d : dims.span()) padded.push_back(d);
  return padded;
}

Result<MatmulShape> ResolveMul(const MatmulSpec& spec, const Dims& x, const Dims& y) {
  const int xn = spec.x_num_col_dims, yn = spec.y_num_col_dims;
  if (xn < 1 || xn >= x.rank() || yn < 1 || yn >= y.rank()) return Mismatch(x, y);
  MatmulShape shape;
  shape.m = x.Product(0, xn);
  shape.k = x.Product(xn, x.rank());
  shape.n = y.Product(yn, y.rank());
  if (shape.k != y.Product(0, yn)) return Mismatch(x, y);
  shape.left = {shape.m, shape.k};
  shape.right = {shape.k, shape.n};
  if (!Dims::Fits(static_cast<size_t>(xn + y.rank() - yn))) return Mismatch(x, y);
  for (int i = 0; i < xn; ++i) shape.out.push_back(x[i]);
  for (int i = yn; i < y.rank(); ++i) shape.out.push_back(y[i]);
  return shape;
}

// One matrix on the right serves every row of the left: no batch is left over.
void MergeBatchIntoRows(MatmulShape* shape) {
  const int rank = shape->left.rank();
  if (rank == 2 || shape->transpose_left || shape->right.Product(0, rank - 2) != 1) return;
  shape->left = {shape->left.Product(0, rank - 1), shape->left[rank - 1]};
  shape->right = {shape->right[rank - 2], shape->right[rank - 1]};
}

class OnednnMatmul : public Step {
 public:
  explicit OnednnMatmul(const MatmulSpec& spec) : spec_(spec) {}

  [[nodiscard]] std::unique_ptr<StepState> NewState() const override {
    return std::make_unique<OnednnState>();
  }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    SKIFF_ASSIGN_OR_RETURN(const MatmulShape shape,
                           ResolveMatmul(spec_, shapes.in(0), shapes.in(1)));
    if (shape.out.Numel() < 0) return ResourceExhausted("output of the product is too large");
    shapes.set_out(0, shape.out);
    auto& state = static_cast<OnednnState&>(*shapes.state());
    if (shape.out.Numel() == 0 || shape.k == 0) {
      state.SelectNone();
      shapes.set_workspace(0);
      return OkStatus();
    }
    SKIFF_RETURN_IF_ERROR(state.Select({shapes.in(0), shapes.in(1)}, [&] {
      onednn::BatchMatmulSpec spec{shape.transpose_left, shape.transpose_right, {}};
      spec.epilogue.scale = spec_.alpha;
      return onednn::MakeBatchMatmul(spec, shape.left, shape.right, shapes.threads());
    }));
    shapes.set_workspace(state.current()->scratchpad_bytes());
    kernel_.Set(state.current()->kernel());
    return OkStatus();
  }

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    onednn::Primitive* primitive = static_cast<OnednnState&>(*run.state).current();
    if (primitive == nullptr) {  // sums of nothing
      std::memset(run.out[0].data, 0, static_cast<size_t>(run.out[0].dims.Numel()) * sizeof(float));
      return OkStatus();
    }
    return primitive->Execute({run.in[0].data, run.in[1].data, run.out[0].data, run.workspace},
                              run.pool->threads());
  }

  [[nodiscard]] StepInfo Info() const override {
    StepInfo info;
    info.precision = "fp32";
    info.kernel = kernel_.Get();
    return info;
  }

  [[nodiscard]] bool SplitsByImage(const Dims& x) const override {
    return HasMatrixPerImage(spec_, x);
  }

  [[nodiscard]] int64_t MultiplyAdds(std::span<const Dims> in,
                                     std::span<const Dims> out) const override {
    const auto shape = ResolveMatmul(spec_, in[0], in[1]);
    return shape.ok() ? out[0].Numel() * shape->k : 0;
  }

 private:
  MatmulSpec spec_;
  mutable KernelName kernel_;
};

}  // namespace

bool HasMatrixPerImage(const MatmulSpec& spec, const Dims& x) {
  return spec.form != MatmulSpec::Form::kMul && x.rank() > 2;
}

Result<MatmulShape> ResolveMatmul(const MatmulSpec& spec, const Dims& x, const Dims& y) {
  if (x.rank() == 0 || y.rank() == 0) return Mismatch(x, y);
  if (spec.form == MatmulSpec::Form::kMul) return ResolveMul(spec, x, y);
  const Operand left = ReadOperand(x, spec.transpose_x, true, spec.form);
  const Operand right = ReadOperand(y, spec.transpose_y, false, spec.form);
  const int rank = std::max(left.dims.rank(), right.dims.rank());
  MatmulShape shape;
  shape.left = WithRank(left.dims, rank);
  shape.right = WithRank(right.dims, rank);
  shape.transpose_left = left.transpose;
  shape.transpose_right = right.transpose;
  shape.m = shape.left[rank - (left.transpose ? 1 : 2)];
  shape.k = shape.left[rank - (left.transpose ? 2 : 1)];
  shape.n = shape.right[rank - (right.transpose ? 2 : 1)];
  if (shape.k != shape.right[rank - (right.transpose ? 1 : 2)]) return Mismatch(x, y);
  for (int i = 0; i < rank - 2; ++i) {
    const int64_t a = shape.left[i], b = shape.right[i];
    if (a != b && a != 1 && b != 1) return Mismatch(x, y);
    shape.out.push_back(a == 1 ? b : a);
  }
  if (left.keeps) shape.out.push_back(shape.m);
  if (right.keeps) shape.out.push_back(shape.n);
  MergeBatchIntoRows(&shape);
  return shape;
}

std::unique_ptr<Step> MakeOnednnMatmul(const MatmulSpec& spec) {
  return std::make_unique<OnednnMatmul>(spec);
}

}  // namespace skiff::steps
