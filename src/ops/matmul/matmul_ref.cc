#include <algorithm>

#include "ops/matmul/matmul.h"

namespace skiff::ops {
namespace {

// Which matrix of an operand serves output matrix `index`: extents of 1 are broadcast.
int64_t MatrixIndex(const Dims& operand, const Dims& other, int64_t index) {
  int64_t at = 0, stride = 1;
  for (int i = operand.rank() - 3; i >= 0; --i) {
    const int64_t extent = std::max(operand[i], other[i]);
    at += operand[i] == 1 ? 0 : index % extent * stride;
    stride *= operand[i];
    index /= extent;
  }
  return at;
}

}  // namespace

void MatmulRef(const MatmulAttrs& attrs, const steps::MatmulShape& shape, const float* x,
               const float* y, const float* bias, float* out) {
  const int64_t m = shape.left[shape.left.rank() - (shape.transpose_left ? 1 : 2)];
  const int64_t n = shape.n, k = shape.k;
  for (int64_t i = 0; i < shape.out.Numel(); ++i) {
    const int64_t column = i % n, row = i / n % m, matrix = i / (n * m);
    const float* a = x + MatrixIndex(shape.left, shape.right, matrix) * m * k;
    const float* b = y + MatrixIndex(shape.right, shape.left, matrix) * k * n;
    double sum = 0;
    for (int64_t p = 0; p < k; ++p) {
      sum += double{a[shape.transpose_left ? p * m + row : row * k + p]} *
             b[shape.transpose_right ? column * k + p : p * n + column];
    }
    sum *= attrs.product.alpha;
    if (bias != nullptr) sum += bias[column];
    out[i] = static_cast<float>(ApplyActivationRef(attrs.activation, sum));
  }
}

}  // namespace skiff::ops
