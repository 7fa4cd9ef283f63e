// The epilogue for 16 channels of one output position, for the *_avx2.cc files. Internal linkage
// only: every file compiles its own copy.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/epilogue/activation.h"
#include "kernels/epilogue/epilogue.h"
#include "kernels/inline.h"

namespace skiff::kernels::avx2 {
namespace {

SKIFF_INLINE void AddResidualCodes(const Epilogue& e, __m128i codes, __m256& y0, __m256& y1) {
  const __m256 mr = _mm256_set1_ps(e.mr);
  const __m128i high = _mm_srli_si128(codes, 8);
  const bool u8 = e.residual == ResidualType::kU8;
  const __m256i r0 = u8 ? _mm256_cvtepu8_epi32(codes) : _mm256_cvtepi8_epi32(codes);
  const __m256i r1 = u8 ? _mm256_cvtepu8_epi32(high) : _mm256_cvtepi8_epi32(high);
  y0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(r0), mr, y0);
  y1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(r1), mr, y1);
}

SKIFF_INLINE void AddResidual(const Epilogue& e, const void* residual, __m256& y0, __m256& y1) {
  if (e.residual != ResidualType::kF32) {
    AddResidualCodes(e, _mm_loadu_si128(static_cast<const __m128i*>(residual)), y0, y1);
    return;
  }
  const __m256 mr = _mm256_set1_ps(e.mr);
  y0 = _mm256_fmadd_ps(_mm256_loadu_ps(static_cast<const float*>(residual)), mr, y0);
  y1 = _mm256_fmadd_ps(_mm256_loadu_ps(static_cast<const float*>(residual) + 8), mr, y1);
}

// y * min(max(alpha * y + beta, 0), 1) * post; maxps and minps return their second operand for a
// NaN.
struct HardSwish {
  __m256 alpha, beta, post;

  explicit SKIFF_INLINE HardSwish(const Epilogue& e)
      : alpha(_mm256_set1_ps(e.alpha)),
        beta(_mm256_set1_ps(e.beta)),
        post(_mm256_set1_ps(e.post)) {}

  SKIFF_INLINE __m256 operator()(__m256 y) const {
    const __m256 line = _mm256_add_ps(_mm256_mul_ps(alpha, y), beta);
    const __m256 gate =
        _mm256_min_ps(_mm256_set1_ps(1.0F), _mm256_max_ps(_mm256_setzero_ps(), line));
    return _mm256_mul_ps(_mm256_mul_ps(y, gate), post);
  }
};

__attribute__((noinline)) void ActivateSlow(const Epilogue& e, float* y) { Activate(e, y, 16); }

SKIFF_INLINE void ActivateVectors(const Epilogue& e, __m256& y0, __m256& y1) {
  if (e.activation == EpilogueActivation::kHardSwish) {
    const HardSwish hard_swish(e);
    y0 = hard_swish(y0);
    y1 = hard_swish(y1);
    return;
  }
  alignas(32) float y[16];
  _mm256_store_ps(y, y0);
  _mm256_store_ps(y + 8, y1);
  ActivateSlow(e, y);
  y0 = _mm256_load_ps(y);
  y1 = _mm256_load_ps(y + 8);
}

// Half away from zero, for |y| <= 256 (every float of that range was tried): with the float just
// below one half added towards the sign, truncation lands where the rule says. One half itself
// would not do: 0.49999997 + 0.5 is rounded to 1.
SKIFF_INLINE __m256i RoundHalfAway(__m256 y) {
  const __m256 sign = _mm256_and_ps(y, _mm256_set1_ps(-0.0F));
  const __m256 half = _mm256_or_ps(sign, _mm256_set1_ps(0x1.fffffep-2F));
  return _mm256_cvttps_epi32(_mm256_add_ps(y, half));
}

struct Clamp {
  __m256 lo, hi;
};

// Clamped and rounded; maxps and minps return their second operand for a NaN.
SKIFF_INLINE __m256i RoundToCodes(__m256 y, Clamp clamp, bool half_away) {
  y = _mm256_min_ps(_mm256_max_ps(y, clamp.lo), clamp.hi);
  return half_away ? RoundHalfAway(y) : _mm256_cvtps_epi32(y);
}

SKIFF_INLINE void StoreFloats(const Epilogue& e, __m256 y0, __m256 y1, int64_t n, float* dst) {
  const __m256 lo = _mm256_set1_ps(e.lo);
  const __m256 hi = _mm256_set1_ps(e.hi);
  y0 = _mm256_min_ps(hi, _mm256_max_ps(lo, y0));
  y1 = _mm256_min_ps(hi, _mm256_max_ps(lo, y1));
  if (n == 16) {
    _mm256_storeu_ps(dst, y0);
    _mm256_storeu_ps(dst + 8, y1);
    return;
  }
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i count = _mm256_set1_epi32(static_cast<int32_t>(n));
  const __m256i second = _mm256_add_epi32(lanes, _mm256_set1_epi32(8));
  _mm256_maskstore_ps(dst, _mm256_cmpgt_epi32(count, lanes), y0);
  if (n > 8) _mm256_maskstore_ps(dst + 8, _mm256_cmpgt_epi32(count, second), y1);
}

// The low n bytes of `codes`.
SKIFF_INLINE void StoreBytes(__m128i codes, int64_t n, void* dst) {
  if (n == 16) {
    _mm_storeu_si128(static_cast<__m128i*>(dst), codes);
    return;
  }
  auto* out = static_cast<uint8_t*>(dst);
  if ((n & 8) != 0) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), codes);
    codes = _mm_srli_si128(codes, 8);
    out += 8;
  }
  uint64_t rest = static_cast<uint64_t>(_mm_cvtsi128_si64(codes));
  for (int64_t i = 0; i < (n & 7); ++i, rest >>= 8) out[i] = static_cast<uint8_t>(rest);
}

// Clamps, rounds and stores the first n of 16 values.
SKIFF_INLINE void StoreVectors(const Epilogue& e, __m256 y0, __m256 y1, int64_t n, void* dst) {
  if (e.store == StoreType::kF32) {
    StoreFloats(e, y0, y1, n, static_cast<float*>(dst));
    return;
  }
  const Clamp clamp = {_mm256_set1_ps(e.lo), _mm256_set1_ps(e.hi)};
  const __m256i words =
      _mm256_permute4x64_epi64(_mm256_packs_epi32(RoundToCodes(y0, clamp, e.half_away),
                                                  RoundToCodes(y1, clamp, e.half_away)),
                               0xd8);
  const __m128i first = _mm256_castsi256_si128(words);
  const __m128i second = _mm256_extracti128_si256(words, 1);
  const __m128i codes =
      e.store == StoreType::kU8 ? _mm_packus_epi16(first, second) : _mm_packs_epi16(first, second);
  StoreBytes(codes, n, dst);
}

// y0 and y1 already hold fma(acc, m, b) of 16 channels, of which n count. Reads a whole vector of
// the residual whatever n is.
SKIFF_INLINE void FinishChannels(const Epilogue& e, __m256 y0, __m256 y1, int64_t n,
                                 const void* residual, void* dst) {
  if (e.residual != ResidualType::kNone) AddResidual(e, residual, y0, y1);
  if (e.activation != EpilogueActivation::kClamp) ActivateVectors(e, y0, y1);
  StoreVectors(e, y0, y1, n, dst);
}

// The whole epilogue for the sums of channels [channel, channel + n), n <= 16.
SKIFF_INLINE void ApplyEpilogue(const Epilogue& e, __m256i acc0, __m256i acc1, int64_t channel,
                                int64_t n, const void* residual, void* dst) {
  const __m256 y0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc0), _mm256_loadu_ps(e.m + channel),
                                    _mm256_loadu_ps(e.b + channel));
  const __m256 y1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc1), _mm256_loadu_ps(e.m + channel + 8),
                                    _mm256_loadu_ps(e.b + channel + 8));
  FinishChannels(e, y0, y1, n, residual, dst);
}

}  // namespace
}  // namespace skiff::kernels::avx2
