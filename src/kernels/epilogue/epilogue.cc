#include "kernels/epilogue/epilogue.h"

#include <cmath>

namespace skiff::kernels {
namespace {

// |sum * m| <= 2^29, |b| <= 2^28, |residual * mr| <= 2^28 leave |y| <= 2^30.
constexpr double kMaxProduct = 0x1p29;
constexpr float kMaxTerm = 0x1p28F;

int16_t Rounded(const Epilogue& e, float y) {
  return static_cast<int16_t>(e.half_away ? std::round(y) : std::nearbyint(y));
}

}  // namespace

void ClampCodes(Epilogue* epilogue, int64_t channels, int64_t max_sum) {
  Epilogue& e = *epilogue;
  const bool u8 = e.store == StoreType::kU8;
  const float residual = e.residual == ResidualType::kNone ? 0.0F : std::fabs(e.mr) * 255.0F;
  e.clamps_codes = e.store != StoreType::kF32 && e.activation == EpilogueActivation::kClamp &&
                   e.residual != ResidualType::kF32 && residual <= kMaxTerm &&
                   (u8 ? e.lo == 0 : e.lo >= INT8_MIN) && e.hi <= (u8 ? UINT8_MAX : INT8_MAX);
  for (int64_t c = 0; c < channels && e.clamps_codes; ++c) {
    const double product = static_cast<double>(max_sum) * std::fabs(double{e.m[c]});
    e.clamps_codes = product <= kMaxProduct && std::fabs(e.b[c]) <= kMaxTerm;
  }
  if (!e.clamps_codes) return;
  e.lo_code = Rounded(e, e.lo);
  e.hi_code = Rounded(e, e.hi);
}

}  // namespace skiff::kernels
