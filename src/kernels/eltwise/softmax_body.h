// The loops of softmax.h for one rung (rung.h).
#include "kernels/eltwise/reduce.h"
#include "kernels/eltwise/rung.h"
#include "kernels/eltwise/softmax.h"
#include "kernels/math/math.h"

namespace skiff::kernels::SKIFF_RUNG {
namespace softmax {

using math::Exp;
using math::Log;
using reduce::kLanes;
using reduce::Max;
using reduce::Reduce;
using reduce::Sum;
using reduce::Tree;

// dst = exp(x - most), and the sum of that.
static float RowExpSum(float* dst, const float* x, int64_t n, float most) {
  SKIFF_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) dst[i] = Exp(x[i] - most);
  return Reduce<Sum>(dst, n, 0);
}

static float RowExpSumOnly(const float* x, int64_t n, float most) {
  float lane[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int k = 0; k < kLanes; ++k) lane[k] += Exp(x[i + k] - most);
  }
  for (int k = 0; i < n; ++i, ++k) lane[k] += Exp(x[i] - most);
  return Tree<Sum>(lane);
}

static void Rows(float* dst, const float* src, int64_t rows, int64_t n, bool log) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = src + r * n;
    float* y = dst + r * n;
    const float most = Reduce<Max>(x, n, x[0]);
    if (log) {
      const float shift = Log(RowExpSumOnly(x, n, most));
      SKIFF_INDEPENDENT
      for (int64_t i = 0; i < n; ++i) y[i] = x[i] - most - shift;
    } else {
      const float sum = RowExpSum(y, x, n, most);
      SKIFF_INDEPENDENT
      for (int64_t i = 0; i < n; ++i) y[i] = y[i] / sum;
    }
  }
}

static void Columns(float* dst, const float* src, int64_t n, int64_t stride, int64_t cols,
                    float* scratch, bool log) {
  float* most = scratch;
  float* sum = scratch + cols;
  SKIFF_INDEPENDENT
  for (int64_t c = 0; c < cols; ++c) {
    most[c] = src[c];
    sum[c] = 0;
  }
  for (int64_t i = 1; i < n; ++i) {
    const float* x = src + i * stride;
    SKIFF_INDEPENDENT
    for (int64_t c = 0; c < cols; ++c) most[c] = x[c] > most[c] ? x[c] : most[c];
  }
  for (int64_t i = 0; i < n; ++i) {
    const float* x = src + i * stride;
    float* y = dst + i * stride;
    if (log) {
      SKIFF_INDEPENDENT
      for (int64_t c = 0; c < cols; ++c) sum[c] += Exp(x[c] - most[c]);
    } else {
      SKIFF_INDEPENDENT
      for (int64_t c = 0; c < cols; ++c) {
        y[c] = Exp(x[c] - most[c]);
        sum[c] += y[c];
      }
    }
  }
  if (log) {
    SKIFF_INDEPENDENT
    for (int64_t c = 0; c < cols; ++c) sum[c] = Log(sum[c]);
  }
  for (int64_t i = 0; i < n; ++i) {
    const float* x = src + i * stride;
    float* y = dst + i * stride;
    SKIFF_INDEPENDENT
    for (int64_t c = 0; c < cols; ++c) y[c] = log ? x[c] - most[c] - sum[c] : y[c] / sum[c];
  }
}

}  // namespace softmax

SoftmaxRowsKernel SoftmaxRows() { return softmax::Rows; }
SoftmaxColumnsKernel SoftmaxColumns() { return softmax::Columns; }

}  // namespace skiff::kernels::SKIFF_RUNG
