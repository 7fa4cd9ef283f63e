#include "quant/reconstruct/rounding.h"

#include <algorithm>
#include <cmath>

namespace skiff::quant {
namespace {

constexpr float kMaxCode = 127;
constexpr float kGamma = -0.1F;
constexpr float kWidth = 1.2F;  // zeta - gamma
constexpr float kMomentum = 0.9F;
constexpr float kVarianceMomentum = 0.999F;

float Stretched(float a) { return kWidth / (1 + std::exp(-a)) + kGamma; }

// The a whose h is `share`.
float Inverse(float share) { return -std::log(kWidth / (share - kGamma) - 1); }

}  // namespace

SoftRounding::SoftRounding(std::span<const float> values, std::span<const int64_t> dims,
                           const QuantizedWeight& weight)
    : floor_(values.size()), a_(values.size()), mean_(values.size()), variance_(values.size()) {
  for (const float threshold : weight.thresholds) steps_.push_back(threshold / kMaxCode);
  for (size_t d = static_cast<size_t>(weight.axis) + 1; d < dims.size() && weight.axis >= 0; ++d) {
    inner_ *= static_cast<size_t>(dims[d]);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const float code = std::clamp(values[i] / StepOf(i), -kMaxCode, kMaxCode);
    const auto given = static_cast<float>(weight.codes[i]);
    floor_[i] = std::floor(code);
    float share = code - floor_[i];
    if (given != floor_[i] && given != floor_[i] + 1) {
      floor_[i] = given;
      share = 0;
    }
    a_[i] = Inverse(share);
  }
}

void SoftRounding::Soften(size_t begin, size_t end, float* values) const {
  for (size_t i = begin; i < end; ++i) {
    const float h = std::clamp(Stretched(a_[i]), 0.0F, 1.0F);
    values[i] = std::min(floor_[i] + h, kMaxCode) * StepOf(i);
  }
}

void SoftRounding::Step(size_t begin, size_t end, const float* gradient, float regulariser,
                        float beta, float learning_rate, int t) {
  const auto steps = static_cast<float>(t);
  const float mean_share = 1 - std::pow(kMomentum, steps);
  const float variance_share = 1 - std::pow(kVarianceMomentum, steps);
  for (size_t i = begin; i < end; ++i) {
    const float stretched = Stretched(a_[i]);
    if (stretched <= 0 || stretched >= 1) continue;  // nothing moves what has settled
    const float inside = (stretched - kGamma) / kWidth;
    const float distance = 2 * stretched - 1;
    float g = gradient[i] * StepOf(i);
    if (regulariser > 0) {
      const float pull = 2 * beta * std::pow(std::fabs(distance), beta - 1);
      g -= regulariser * std::copysign(pull, distance);
    }
    g *= kWidth * inside * (1 - inside);
    mean_[i] = kMomentum * mean_[i] + (1 - kMomentum) * g;
    variance_[i] = kVarianceMomentum * variance_[i] + (1 - kVarianceMomentum) * g * g;
    const float scale = std::sqrt(variance_[i] / variance_share) + 1e-12F;
    a_[i] -= learning_rate * (mean_[i] / mean_share) / scale;
  }
}

std::vector<int8_t> SoftRounding::Codes() const {
  std::vector<int8_t> codes(floor_.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    const float code = floor_[i] + (Stretched(a_[i]) >= 0.5F ? 1.0F : 0.0F);
    codes[i] = static_cast<int8_t>(std::min(code, kMaxCode));
  }
  return codes;
}

void SoftRounding::Harden(std::span<const int8_t> codes, float* values) const {
  for (size_t i = 0; i < codes.size(); ++i) values[i] = static_cast<float>(codes[i]) * StepOf(i);
}

}  // namespace skiff::quant
