// The specification of pooling, and the scalar rung.
#include <cfloat>
#include <cmath>

#include "kernels/pool/pool_symbols.h"

namespace skiff::kernels {
namespace {

template <typename T, typename Fn>
void ForPixels(const PoolWindow& w, int64_t channel, const Fn& fn) {
  for (int64_t y = 0; y < w.rows; ++y) {
    const char* row = static_cast<const char*>(w.src) + y * w.row_stride;
    for (int64_t x = 0; x < w.columns; ++x) {
      fn(reinterpret_cast<const T*>(row + x * w.pixel_stride)[channel]);
    }
  }
}

template <typename T>
void Max(const PoolWindow& w, T lowest) {
  for (int64_t c = 0; c < w.channels; ++c) {
    T best = lowest;
    ForPixels<T>(w, c, [&](T v) { best = v > best ? v : best; });
    static_cast<T*>(w.dst)[c] = best;
  }
}

template <typename T>
int32_t Sum(const PoolWindow& w, int64_t channel) {
  int32_t sum = 0;
  ForPixels<T>(w, channel, [&](T v) { sum += v; });
  return sum;
}

}  // namespace

void pool_max_u8_scalar(const PoolWindow& w) { Max<uint8_t>(w, 0); }
void pool_max_s8_scalar(const PoolWindow& w) { Max<int8_t>(w, -128); }
void pool_max_f32_scalar(const PoolWindow& w) { Max<float>(w, -FLT_MAX); }

void pool_average_f32_scalar(const PoolWindow& w) {
  for (int64_t c = 0; c < w.channels; ++c) {
    float sum = 0;
    ForPixels<float>(w, c, [&](float v) { sum += v; });
    static_cast<float*>(w.dst)[c] = sum / w.divisor;
  }
}

void pool_average_codes_scalar(const PoolWindow& w) {
  for (int64_t c = 0; c < w.channels; ++c) {
    const int32_t sum = w.src_is_unsigned ? Sum<uint8_t>(w, c) : Sum<int8_t>(w, c);
    const float y = static_cast<float>(sum) * w.multiplier;
    if (w.store == StoreType::kF32) {
      static_cast<float*>(w.dst)[c] = y;
      continue;
    }
    const float low = y > w.lo ? y : w.lo;
    const float clamped = low < w.hi ? low : w.hi;
    const float code = w.half_away ? std::round(clamped) : std::nearbyint(clamped);
    static_cast<uint8_t*>(w.dst)[c] = static_cast<uint8_t>(static_cast<int32_t>(code));
  }
}

}  // namespace skiff::kernels
