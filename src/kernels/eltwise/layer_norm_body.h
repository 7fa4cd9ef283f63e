// The loops of layer_norm.h for one rung (rung.h).
#include "kernels/eltwise/layer_norm.h"
#include "kernels/eltwise/reduce.h"
#include "kernels/eltwise/rung.h"

namespace skiff::kernels::SKIFF_RUNG {
namespace layer_norm {

using reduce::Reduce;
using reduce::Sum;

struct SquaredDistance {
  float mean;

  template <typename T>
  [[nodiscard]] inline __attribute__((always_inline)) T Of(const T& x) const {
    const T distance = x - mean;
    return distance * distance;
  }
};

static void Rows(float* dst, const float* src, int64_t rows, const LayerNormParams& params,
                 float* means, float* variances) {
  const int64_t n = params.n;
  const auto count = static_cast<float>(n);
  const float* const scale = params.scale;
  const float* const bias = params.bias;
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = src + r * n;
    float* y = dst + r * n;
    const float mean = Reduce<Sum>(x, n, 0) / count;
    const float variance = Reduce<Sum>(x, n, 0, SquaredDistance{mean}) / count;
    const float inverse = 1.0F / __builtin_sqrtf(variance + params.epsilon);
    if (scale != nullptr && bias != nullptr) {
      SKIFF_INDEPENDENT
      for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * inverse * scale[i] + bias[i];
    } else {
      SKIFF_INDEPENDENT
      for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * inverse;
      SKIFF_INDEPENDENT
      for (int64_t i = 0; scale != nullptr && i < n; ++i) y[i] *= scale[i];
      SKIFF_INDEPENDENT
      for (int64_t i = 0; bias != nullptr && i < n; ++i) y[i] += bias[i];
    }
    if (means != nullptr) means[r] = mean;
    if (variances != nullptr) variances[r] = variance;
  }
}

}  // namespace layer_norm

LayerNormKernel LayerNorm() { return layer_norm::Rows; }

}  // namespace skiff::kernels::SKIFF_RUNG
