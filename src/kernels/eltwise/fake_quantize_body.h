// The loops of fake_quantize.h for one rung (rung.h).
#include "kernels/eltwise/fake_quantize.h"
#include "kernels/eltwise/rung.h"
#include "kernels/math/math.h"

namespace skiff::kernels::SKIFF_RUNG {
namespace fake_quantize {

using namespace math;  // NOLINT: the words that the formulas are written in

// bound / scale as Paddle computes it; a scale next to nothing is moved away from 0.
SKIFF_MATH float Multiplier(float scale, float bound) {
  const float inverse = 1.0F / (scale <= 1e-30F ? scale + 1e-6F : scale);
  return bound * inverse;
}

// Clamping before or after the rounding is the same: the ends are integers.
SKIFF_MATH float HalfEven(float x, float /*scale*/, float multiplier, float bound) {
  return __builtin_rintf(Clamp(multiplier * x, -bound - 1.0F, bound));
}
SKIFF_MATH float HalfAway(float x, float scale, float multiplier, float /*bound*/) {
  return RoundHalfAway(multiplier * Clamp(x, -scale, scale));
}

template <typename Fn>
static void Rows(float* dst, const float* src, const FakeQuantizeRows& s, Fn f) {
  for (int64_t r = 0; r < s.rows; ++r) {
    const float* scale = s.scale + (s.first + r) % s.channels * s.scale_row;
    float* d = dst + r * s.cols;
    const float* x = src + r * s.cols;
    if (s.scale_step == 0) {
      const float shared = *scale;
      SKIFF_INDEPENDENT
      for (int64_t c = 0; c < s.cols; ++c) d[c] = f(x[c], shared);
    } else {
      SKIFF_INDEPENDENT
      for (int64_t c = 0; c < s.cols; ++c) d[c] = f(x[c], scale[c]);
    }
  }
}

static void QuantizeHalfEven(float* dst, const float* src, const FakeQuantizeRows& s) {
  const float b = s.bound;
  Rows(dst, src, s, [b](float x, float t) { return HalfEven(x, t, Multiplier(t, b), b); });
}
static void QuantizeHalfAway(float* dst, const float* src, const FakeQuantizeRows& s) {
  const float b = s.bound;
  Rows(dst, src, s, [b](float x, float t) { return HalfAway(x, t, Multiplier(t, b), b); });
}
static void QuantizeDequantizeHalfEven(float* dst, const float* src, const FakeQuantizeRows& s) {
  const float b = s.bound;
  Rows(dst, src, s, [b](float x, float t) { return HalfEven(x, t, Multiplier(t, b), b) * t / b; });
}
static void QuantizeDequantizeHalfAway(float* dst, const float* src, const FakeQuantizeRows& s) {
  const float b = s.bound;
  Rows(dst, src, s, [b](float x, float t) { return HalfAway(x, t, Multiplier(t, b), b) * t / b; });
}
static void Dequantize(float* dst, const float* src, const FakeQuantizeRows& s) {
  const float b = s.bound;
  Rows(dst, src, s, [b](float x, float t) { return x * t / b; });
}
static void DequantizeTwice(float* dst, const float* src, const FakeQuantizeRows& s) {
  const float b = s.bound;
  const float t2 = s.scale2;
  Rows(dst, src, s, [b, t2](float x, float t) { return x * t * t2 / b; });
}

static float AbsMax(const float* src, int64_t n) {
  constexpr int kLanes = 16;
  float lane[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int k = 0; k < kLanes; ++k) {
      const float a = __builtin_fabsf(src[i + k]);
      lane[k] = a > lane[k] ? a : lane[k];
    }
  }
  float most = 0;
  for (; i < n; ++i) {
    const float a = __builtin_fabsf(src[i]);
    most = a > most ? a : most;
  }
  for (const float a : lane) most = a > most ? a : most;
  return most;
}

}  // namespace fake_quantize

FakeQuantizeKernel FakeQuantizeRung(FakeQuantize mode) {
  switch (mode) {
    case FakeQuantize::kQuantizeHalfEven: return fake_quantize::QuantizeHalfEven;
    case FakeQuantize::kQuantizeHalfAway: return fake_quantize::QuantizeHalfAway;
    case FakeQuantize::kQuantizeDequantizeHalfEven:
      return fake_quantize::QuantizeDequantizeHalfEven;
    case FakeQuantize::kQuantizeDequantizeHalfAway:
      return fake_quantize::QuantizeDequantizeHalfAway;
    case FakeQuantize::kDequantize: return fake_quantize::Dequantize;
    case FakeQuantize::kDequantizeTwice: return fake_quantize::DequantizeTwice;
  }
  return nullptr;
}

AbsMaxKernel AbsMaxRung() { return fake_quantize::AbsMax; }

}  // namespace skiff::kernels::SKIFF_RUNG
