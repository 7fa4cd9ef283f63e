#include "quant/convert/stored_weights.h"

#include <algorithm>
#include <cmath>

namespace skiff::quant {
namespace {

using program::Tensor;

constexpr float kMaxCode = 127;

// Which threshold an element has: that of its place along the axis.
struct Channels {
  size_t count = 1;
  size_t inner = 1;  // elements between neighbours along the axis
  [[nodiscard]] size_t operator()(size_t element) const { return element / inner % count; }
};

Result<Channels> ChannelsOf(const std::string& name, const Tensor& weight, int axis) {
  if (axis < 0) return Channels();
  const auto at = static_cast<size_t>(axis);
  if (at >= weight.dims.size() || weight.dims[at] < 1) {
    return Corruption("weight " + name + " has no channels along axis " + std::to_string(axis));
  }
  Channels channels;
  channels.count = static_cast<size_t>(weight.dims[at]);
  for (size_t d = at + 1; d < weight.dims.size(); ++d) {
    channels.inner *= static_cast<size_t>(weight.dims[d]);
  }
  channels.inner = std::max<size_t>(channels.inner, 1);
  return channels;
}

Status RequireFinite(const std::string& name, const Tensor& weight) {
  if (weight.dtype != DType::kFloat32) {
    return Unsupported("weight " + name + " is " + std::string(Name(weight.dtype)) +
                       ", float32 expected");
  }
  const std::span<const float> w = weight.As<float>();
  if (std::all_of(w.begin(), w.end(), [](float x) { return std::isfinite(x); })) return OkStatus();
  return InvalidArgument("weight " + name + " holds a value that is not finite");
}

std::vector<float> LargestPerChannel(std::span<const float> w, const Channels& channel) {
  std::vector<float> largest(channel.count, 0.0F);
  for (size_t i = 0; i < w.size(); ++i) {
    largest[channel(i)] = std::max(largest[channel(i)], std::fabs(w[i]));
  }
  return largest;
}

// The axis along which there are as many channels as thresholds.
Result<int> FittingAxis(const std::string& name, const Tensor& weight, size_t thresholds,
                        int axis) {
  if (thresholds == 1) return -1;
  for (const int candidate : {axis, 0, 1}) {
    if (candidate < 0 || candidate >= static_cast<int>(weight.dims.size())) continue;
    if (weight.dims[static_cast<size_t>(candidate)] == static_cast<int64_t>(thresholds)) {
      return candidate;
    }
  }
  return Corruption("weight " + name + " has " + std::to_string(thresholds) +
                    " scales, which fits none of its axes");
}

}  // namespace

Result<QuantizedWeight> StoredCodes(const std::string& name, const Tensor& weight,
                                    std::vector<float> thresholds, int axis) {
  QuantizedWeight result;
  SKIFF_ASSIGN_OR_RETURN(result.axis, FittingAxis(name, weight, thresholds.size(), axis));
  result.thresholds = std::move(thresholds);
  if (weight.dtype == DType::kInt8) {
    result.codes.assign(weight.As<int8_t>().begin(), weight.As<int8_t>().end());
    return result;
  }
  if (weight.dtype != DType::kFloat32) {
    return Unsupported("weight " + name + " is " + std::string(Name(weight.dtype)) +
                       ", int8 or float32 expected");
  }
  for (const float w : weight.As<float>()) {
    if (!(w >= -128 && w <= 127) || w != std::nearbyintf(w)) {
      return Corruption("weight " + name + " should hold integers in [-128, 127], has " +
                        std::to_string(w));
    }
    result.codes.push_back(static_cast<int8_t>(w));
  }
  return result;
}

Result<QuantizedWeight> FakeQuantizedCodes(const std::string& name, const Tensor& weight,
                                           std::vector<float> thresholds, int axis,
                                           RoundMode round) {
  SKIFF_RETURN_IF_ERROR(RequireFinite(name, weight));
  QuantizedWeight result;
  result.axis = axis;
  if (!thresholds.empty()) {
    SKIFF_ASSIGN_OR_RETURN(result.axis, FittingAxis(name, weight, thresholds.size(), axis));
  }
  SKIFF_ASSIGN_OR_RETURN(const Channels channel, ChannelsOf(name, weight, result.axis));
  const std::span<const float> w = weight.As<float>();
  result.thresholds = thresholds.empty() ? LargestPerChannel(w, channel) : std::move(thresholds);
  result.codes.resize(w.size());
  for (size_t i = 0; i < w.size(); ++i) {
    const float s = result.thresholds[channel(i)];
    const float inv = s <= 1e-30F ? 1.0F / (s + 1e-6F) : 1.0F / s;
    const float x = round == RoundMode::kHalfAway ? std::clamp(w[i], -s, s) : w[i];
    const float q = Round(kMaxCode * inv * x, round);
    result.codes[i] = static_cast<int8_t>(std::clamp(q, -kMaxCode - 1, kMaxCode));
  }
  return result;
}

Result<QuantizedWeight> LargestCodes(const std::string& name, const Tensor& weight, int axis) {
  SKIFF_RETURN_IF_ERROR(RequireFinite(name, weight));
  QuantizedWeight result;
  result.axis = axis;
  SKIFF_ASSIGN_OR_RETURN(const Channels channel, ChannelsOf(name, weight, axis));
  const std::span<const float> w = weight.As<float>();
  result.thresholds = LargestPerChannel(w, channel);
  result.codes.resize(w.size());
  for (size_t i = 0; i < w.size(); ++i) {
    const float s = result.thresholds[channel(i)];
    const double step = s > 0 ? double{s} / 127 : 1.0;
    const float q = std::nearbyintf(static_cast<float>(w[i] / step));
    result.codes[i] = static_cast<int8_t>(std::clamp(q, -kMaxCode, kMaxCode));
  }
  return result;
}

Result<std::vector<float>> FromSteps(const std::string& name, const Tensor& weight,
                                     std::span<const float> steps, int axis) {
  const bool wide = weight.dtype == DType::kInt16;
  if (!wide && weight.dtype != DType::kInt8) {
    return Unsupported("weight " + name + " is " + std::string(skiff::Name(weight.dtype)) +
                       ", int8 or int16 expected");
  }
  SKIFF_ASSIGN_OR_RETURN(const Channels channel,
                         ChannelsOf(name, weight, steps.size() == 1 ? -1 : axis));
  if (steps.size() != channel.count) {
    return Corruption("weight " + name + " has " + std::to_string(channel.count) +
                      " channels and " + std::to_string(steps.size()) + " steps");
  }
  std::vector<float> w(weight.data.bytes.size() / (wide ? 2 : 1));
  for (size_t i = 0; i < w.size(); ++i) {
    const float code = wide ? static_cast<float>(weight.As<int16_t>()[i])
                            : static_cast<float>(weight.As<int8_t>()[i]);
    w[i] = code * steps[channel(i)];
  }
  return w;
}

std::vector<float> FromCodes(const Tensor& weight, const QuantizedWeight& codes) {
  Channels channel;
  if (codes.axis >= 0) channel = *ChannelsOf("", weight, codes.axis);
  std::vector<float> w(codes.codes.size());
  for (size_t i = 0; i < w.size(); ++i) {
    w[i] = static_cast<float>(codes.codes[i]) * codes.thresholds[channel(i)] / kMaxCode;
  }
  return w;
}

}  // namespace skiff::quant
