#include "quant/weights.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "quant/calibrate/thresholds.h"

namespace skiff::quant {
namespace {

constexpr float kMaxCode = 127;
// What Paddle puts in the place of a threshold of zero.
constexpr float kLeastThreshold = 1e-8F;

}  // namespace

ChannelLayout LayoutOfChannels(const program::Tensor& weight, int axis) {
  ChannelLayout channels;
  if (axis < 0) return {1, std::max<size_t>(weight.As<float>().size(), 1)};
  channels.count = static_cast<size_t>(weight.dims[static_cast<size_t>(axis)]);
  for (size_t d = static_cast<size_t>(axis) + 1; d < weight.dims.size(); ++d) {
    channels.inner *= static_cast<size_t>(weight.dims[d]);
  }
  return channels;
}

Result<std::vector<float>> LargestByChannel(const std::string& name, const program::Tensor& weight,
                                            int axis) {
  if (weight.dtype != DType::kFloat32) {
    return Unsupported("weight " + name + " is " + std::string(Name(weight.dtype)) +
                       ", float32 expected");
  }
  if (axis >= static_cast<int>(weight.dims.size())) {
    return Unsupported("weight " + name + " has " + std::to_string(weight.dims.size()) +
                       " axes and no channels along axis " + std::to_string(axis));
  }
  const std::span<const float> w = weight.As<float>();
  if (!std::isfinite(AbsMax(w))) {
    return InvalidArgument("weight " + name + " holds a value that is not finite");
  }
  const auto [count, inner] = LayoutOfChannels(weight, axis);
  std::vector<float> thresholds(count, kLeastThreshold);
  for (size_t i = 0; i < w.size(); ++i) {
    float& threshold = thresholds[i / inner % count];
    threshold = std::max(threshold, std::fabs(w[i]));
  }
  return thresholds;
}

QuantizedWeight RoundWeight(const program::Tensor& weight, int axis,
                            std::vector<float> thresholds) {
  const std::span<const float> w = weight.As<float>();
  const auto [count, inner] = LayoutOfChannels(weight, axis);
  QuantizedWeight result;
  result.axis = axis;
  result.thresholds = std::move(thresholds);
  result.codes.resize(w.size());
  for (size_t i = 0; i < w.size(); ++i) {
    const float code = std::nearbyint(w[i] * kMaxCode / result.thresholds[i / inner % count]);
    result.codes[i] = static_cast<int8_t>(std::clamp(code, -kMaxCode, kMaxCode));
  }
  return result;
}

Result<QuantizedWeight> QuantizeWeight(const std::string& name, const program::Tensor& weight,
                                       int axis) {
  SKIFF_ASSIGN_OR_RETURN(std::vector<float> thresholds, LargestByChannel(name, weight, axis));
  return RoundWeight(weight, axis, std::move(thresholds));
}

}  // namespace skiff::quant
