#include <cmath>

#include "kernels/epilogue/activation.h"
#include "kernels/epilogue/epilogue.h"

namespace skiff::kernels {
namespace {

float LoadResidual(const Epilogue& e, const void* residual, int64_t i) {
  switch (e.residual) {
    case ResidualType::kU8: return static_cast<float>(static_cast<const uint8_t*>(residual)[i]);
    case ResidualType::kS8: return static_cast<float>(static_cast<const int8_t*>(residual)[i]);
    case ResidualType::kF32: return static_cast<const float*>(residual)[i];
    case ResidualType::kNone: break;
  }
  return 0.0F;
}

// A NaN in y gives lo.
float RoundToCode(const Epilogue& e, float y) {
  const float low = y > e.lo ? y : e.lo;
  const float clamped = low < e.hi ? low : e.hi;
  return e.half_away ? std::round(clamped) : std::nearbyint(clamped);
}

}  // namespace

void ApplyEpilogueRef(const Epilogue& e, const int32_t* acc, int64_t channel, int64_t n,
                      const void* residual, void* dst) {
  for (int64_t i = 0; i < n; ++i) {
    float y = std::fma(static_cast<float>(acc[i]), e.m[channel + i], e.b[channel + i]);
    if (e.residual != ResidualType::kNone) y = std::fma(LoadResidual(e, residual, i), e.mr, y);
    Activate(e, &y, 1);
    switch (e.store) {
      case StoreType::kU8:
        static_cast<uint8_t*>(dst)[i] = static_cast<uint8_t>(RoundToCode(e, y));
        break;
      case StoreType::kS8:
        static_cast<int8_t*>(dst)[i] = static_cast<int8_t>(RoundToCode(e, y));
        break;
      case StoreType::kF32: static_cast<float*>(dst)[i] = math::Clamp(y, e.lo, e.hi); break;
    }
  }
}

}  // namespace skiff::kernels
