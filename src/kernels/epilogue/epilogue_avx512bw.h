// The epilogue for up to 64 channels of several output positions, whose sums lie in memory (the
// kernels of these rungs have no registers left, and loads come with the conversion), for the files
// of the rungs from AVX-512BW on. Internal linkage only: every file compiles its own copy.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/epilogue/activation.h"
#include "kernels/epilogue/epilogue.h"
#include "kernels/inline.h"

namespace skiff::kernels::avx512bw {
namespace {

// The first n of 16 lanes, n <= 0 and n >= 16 included.
SKIFF_INLINE __mmask16 Lanes(int64_t n) {
  if (n <= 0) return 0;
  return n >= 16 ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1U << n) - 1);
}

SKIFF_INLINE __mmask64 Bytes(int64_t n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

// 16 residuals, channel `at` the first.
SKIFF_INLINE __m512 LoadResidual(ResidualType type, const void* residual, int64_t at,
                                 __mmask16 lanes) {
  if (type == ResidualType::kF32) {
    return _mm512_maskz_loadu_ps(lanes, static_cast<const float*>(residual) + at);
  }
  const __m128i codes = _mm_maskz_loadu_epi8(lanes, static_cast<const char*>(residual) + at);
  return _mm512_cvtepi32_ps(type == ResidualType::kU8 ? _mm512_cvtepu8_epi32(codes)
                                                      : _mm512_cvtepi8_epi32(codes));
}

// Half away from zero: exact for every |y| < 2^23.
SKIFF_INLINE __m512 RoundHalfAway(__m512 y) {
  const __m512 sign = _mm512_and_ps(y, _mm512_set1_ps(-0.0F));
  const __m512 whole = _mm512_roundscale_ps(y, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  const __m512 rest = _mm512_andnot_ps(_mm512_set1_ps(-0.0F), _mm512_sub_ps(y, whole));
  const __mmask16 up = _mm512_cmp_ps_mask(rest, _mm512_set1_ps(0.5F), _CMP_GE_OQ);
  return _mm512_mask_add_ps(whole, up, whole, _mm512_or_ps(_mm512_set1_ps(1.0F), sign));
}

// Clamped and rounded; maxps and minps return their second operand for a NaN.
SKIFF_INLINE __m512i RoundToCodes(__m512 y, __m512 lo, __m512 hi, bool half_away) {
  const __m512 clamped = _mm512_min_ps(_mm512_max_ps(y, lo), hi);
  return _mm512_cvtps_epi32(half_away ? RoundHalfAway(clamped) : clamped);
}

__attribute__((noinline)) void ActivateSlow(const Epilogue& e, float* y) { Activate(e, y, 16); }

// y holds fma(acc, m, b) of 16 channels, of which those of `lanes` count.
SKIFF_INLINE void FinishChannels(const Epilogue& e, __m512 y, __mmask16 lanes, const void* residual,
                                 int64_t at, void* dst) {
  if (e.residual != ResidualType::kNone) {
    y = _mm512_fmadd_ps(LoadResidual(e.residual, residual, at, lanes), _mm512_set1_ps(e.mr), y);
  }
  if (e.activation != EpilogueActivation::kClamp) {
    alignas(64) float values[16];
    _mm512_store_ps(values, y);
    ActivateSlow(e, values);
    y = _mm512_load_ps(values);
  }
  const __m512 lo = _mm512_set1_ps(e.lo);
  const __m512 hi = _mm512_set1_ps(e.hi);
  if (e.store == StoreType::kF32) {
    const __m512 clamped = _mm512_min_ps(hi, _mm512_max_ps(lo, y));  // a NaN stays
    _mm512_mask_storeu_ps(static_cast<float*>(dst) + at, lanes, clamped);
    return;
  }
  const __m128i codes = _mm512_cvtepi32_epi8(RoundToCodes(y, lo, hi, e.half_away));
  _mm_mask_storeu_epi8(static_cast<char*>(dst) + at, lanes, codes);
}

// Any epilogue, V vectors of channels a row.
template <int V>
__attribute__((noinline)) void ApplyEpilogueSlow(const Epilogue& e, const int32_t* sums,
                                                 int64_t count, const EpilogueRows& rows) {
  const char* residual = static_cast<const char*>(rows.residual);
  char* dst = static_cast<char*>(rows.dst);
  for (int64_t r = 0; r < count; ++r, sums += 16 * V) {
    for (int v = 0; v < V; ++v) {
      const int64_t at = 16 * v;
      const __mmask16 lanes = Lanes(rows.n - at);
      const __m512 y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_load_si512(sums + at)),
                                       _mm512_maskz_loadu_ps(lanes, e.m + rows.channel + at),
                                       _mm512_maskz_loadu_ps(lanes, e.b + rows.channel + at));
      FinishChannels(e, y, lanes, residual, at, dst);
    }
    residual += rows.residual_stride;
    dst += rows.dst_stride;
  }
}

// Clamp only, codes out, half to even: nearly every layer of a convolutional net.
template <int V, bool kResidual>
SKIFF_INLINE void ApplyEpilogueFast(const Epilogue& e, const int32_t* sums, int64_t count,
                                    const EpilogueRows& rows) {
  // Loaded here: the stores below might change `e` as far as the compiler knows.
  __m512 m[V];
  __m512 b[V];
  SKIFF_UNROLL
  for (int v = 0; v < V; ++v) {
    const __mmask16 lanes = Lanes(rows.n - 16 * v);
    m[v] = _mm512_maskz_loadu_ps(lanes, e.m + rows.channel + 16 * v);
    b[v] = _mm512_maskz_loadu_ps(lanes, e.b + rows.channel + 16 * v);
  }
  const __m512 lo = _mm512_set1_ps(e.lo);
  const __m512 hi = _mm512_set1_ps(e.hi);
  const __m512 mr = _mm512_set1_ps(e.mr);
  const ResidualType type = e.residual;
  const bool u8 = e.store == StoreType::kU8;
  const __mmask64 bytes = Bytes(rows.n);
  // Dwords after packing: 4 lane + v holds channels 16 v + 4 lane on.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const char* residual = static_cast<const char*>(rows.residual);
  char* dst = static_cast<char*>(rows.dst);
  for (int64_t r = 0; r < count; ++r, sums += 16 * V) {
    __m512i codes[4];
    SKIFF_UNROLL
    for (int v = 0; v < 4; ++v) {
      codes[v] = _mm512_setzero_si512();
      if (v >= V) continue;
      __m512 y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_load_si512(sums + 16 * v)), m[v], b[v]);
      if constexpr (kResidual) {
        const __mmask16 lanes = static_cast<__mmask16>(bytes >> (16 * v));
        y = _mm512_fmadd_ps(LoadResidual(type, residual, 16 * v, lanes), mr, y);
      }
      codes[v] = RoundToCodes(y, lo, hi, false);
    }
    if constexpr (V == 1) {
      _mm_mask_storeu_epi8(dst, static_cast<__mmask16>(bytes), _mm512_cvtepi32_epi8(codes[0]));
    } else {
      const __m512i first = _mm512_packs_epi32(codes[0], codes[1]);
      const __m512i second = _mm512_packs_epi32(codes[2], codes[3]);
      const __m512i packed =
          u8 ? _mm512_packus_epi16(first, second) : _mm512_packs_epi16(first, second);
      _mm512_mask_storeu_epi8(dst, bytes, _mm512_permutexvar_epi32(order, packed));
    }
    residual += rows.residual_stride;
    dst += rows.dst_stride;
  }
}

SKIFF_INLINE bool IsFast(const Epilogue& e) {
  return e.activation == EpilogueActivation::kClamp && e.store != StoreType::kF32 && !e.half_away &&
         e.residual != ResidualType::kF32;
}

// The whole epilogue for `count` positions of at most 16 V channels: sums[position][16 V], aligned.
template <int V>
__attribute__((noinline)) void ApplyEpilogueRows(const Epilogue& e, const int32_t* sums,
                                                 int64_t count, const EpilogueRows& rows) {
  if (!IsFast(e)) {
    ApplyEpilogueSlow<V>(e, sums, count, rows);
  } else if (e.residual == ResidualType::kNone) {
    ApplyEpilogueFast<V, false>(e, sums, count, rows);
  } else {
    ApplyEpilogueFast<V, true>(e, sums, count, rows);
  }
}

}  // namespace
}  // namespace skiff::kernels::avx512bw
