#include <cmath>

#include "ops/batch_norm/batch_norm.h"

namespace skiff::ops {

void BatchNormRef(const BatchNormAttrs& attrs, std::span<const float> scale,
                  std::span<const float> bias, std::span<const float> mean,
                  std::span<const float> variance, int64_t channel_stride, int64_t count,
                  const float* x, float* y) {
  const auto channels = static_cast<int64_t>(mean.size());
  for (int64_t i = 0; i < count; ++i) {
    const auto c = static_cast<size_t>(i / channel_stride % channels);
    const double s = scale.empty() ? 1.0 : scale[c], b = bias.empty() ? 0.0 : bias[c];
    const double deviation = std::sqrt(double{variance[c]} + attrs.epsilon);
    y[i] = static_cast<float>((double{x[i]} - mean[c]) / deviation * s + b);
  }
}

}  // namespace skiff::ops
