#include "quant/weights.h"

#include <algorithm>
#include <cmath>

#include "quant/calibrate/thresholds.h"

namespace skiff::quant {
namespace {

constexpr float kMaxCode = 127;
// What Paddle puts in the place of a threshold of zero.
constexpr float kLeastThreshold = 1e-8F;

}  // namespace

Result<QuantizedWeight> QuantizeWeight(const std::string& name, const program::Tensor& weight,
                                       int axis) {
  if (weight.dtype != DType::kFloat32) {
    return Unsupported("weight " + name + " is " + std::string(Name(weight.dtype)) +
                       ", float32 expected");
  }
  const std::span<const float> w = weight.As<float>();
  if (axis >= static_cast<int>(weight.dims.size())) {
    return Unsupported("weight " + name + " has " + std::to_string(weight.dims.size()) +
                       " axes and no channels along axis " + std::to_string(axis));
  }
  if (!std::isfinite(AbsMax(w))) {
    return InvalidArgument("weight " + name + " holds a value that is not finite");
  }
  QuantizedWeight result;
  result.axis = axis;
  size_t channels = 1;
  size_t inner = w.size();
  if (axis >= 0) {
    channels = static_cast<size_t>(weight.dims[static_cast<size_t>(axis)]);
    inner = 1;
    for (size_t d = static_cast<size_t>(axis) + 1; d < weight.dims.size(); ++d) {
      inner *= static_cast<size_t>(weight.dims[d]);
    }
  }
  result.thresholds.assign(channels, kLeastThreshold);
  for (size_t i = 0; i < w.size(); ++i) {
    float& threshold = result.thresholds[i / inner % channels];
    threshold = std::max(threshold, std::fabs(w[i]));
  }
  result.codes.resize(w.size());
  for (size_t i = 0; i < w.size(); ++i) {
    const float code = std::nearbyint(w[i] * kMaxCode / result.thresholds[i / inner % channels]);
    result.codes[i] = static_cast<int8_t>(std::clamp(code, -kMaxCode, kMaxCode));
  }
  return result;
}

}  // namespace skiff::quant
