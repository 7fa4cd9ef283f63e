// The epilogue for several output positions whose sums are still in registers, for the *_avx2.cc
// files. Internal linkage only.
#pragma once

#include "kernels/epilogue/epilogue_avx2.h"

namespace skiff::kernels::avx2 {
namespace {

// Fully unrolls the next loop before anything else is optimised, so that arrays of vectors become
// registers.
#define SKIFF_AVX2_UNROLL _Pragma("GCC unroll 32")

// R output positions, 16 channels each.
struct EpilogueRows {
  int64_t channel = 0;
  int64_t n = 16;
  const void* residual = nullptr;
  int64_t residual_stride = 0;
  void* dst = nullptr;
  int64_t dst_stride = 0;
};

__attribute__((noinline)) void ApplyEpilogueSlow(const Epilogue& e, const int32_t* acc,
                                                 int64_t count, const EpilogueRows& rows) {
  const char* residual = static_cast<const char*>(rows.residual);
  char* dst = static_cast<char*>(rows.dst);
  for (int64_t r = 0; r < count; ++r, acc += 16) {
    ApplyEpilogue(e, _mm256_load_si256(reinterpret_cast<const __m256i*>(acc)),
                  _mm256_load_si256(reinterpret_cast<const __m256i*>(acc + 8)), rows.channel,
                  rows.n, residual, dst);
    residual += rows.residual_stride;
    dst += rows.dst_stride;
  }
}

// 16 codes as s16, in the order 0-3, 8-11 | 4-7, 12-15.
template <bool kResidual>
SKIFF_AVX2_INLINE __m256i ClampedWords(const Epilogue& e, __m256 lo, __m256 hi, __m256 y0,
                                       __m256 y1, const void* residual) {
  if constexpr (kResidual) AddResidual(e, residual, y0, y1);
  y0 = _mm256_min_ps(_mm256_max_ps(y0, lo), hi);
  y1 = _mm256_min_ps(_mm256_max_ps(y1, lo), hi);
  return _mm256_packs_epi32(_mm256_cvtps_epi32(y0), _mm256_cvtps_epi32(y1));
}

// Clamp only, codes out, half to even: nearly every layer of a convolutional net.
template <int R, bool kResidual>
SKIFF_AVX2_INLINE void ApplyEpilogueFast(const Epilogue& e, const __m256i (&acc)[R][2],
                                         const EpilogueRows& rows) {
  const __m256 m0 = _mm256_loadu_ps(e.m + rows.channel);
  const __m256 m1 = _mm256_loadu_ps(e.m + rows.channel + 8);
  const __m256 b0 = _mm256_loadu_ps(e.b + rows.channel);
  const __m256 b1 = _mm256_loadu_ps(e.b + rows.channel + 8);
  // Loaded here: the stores below might change `e` as far as the compiler knows.
  const __m256 lo = _mm256_set1_ps(e.lo);
  const __m256 hi = _mm256_set1_ps(e.hi);
  const bool u8 = e.store == StoreType::kU8;
  const int64_t n = rows.n;
  // Dwords of two rows after packing: r0 0, r0 8, r1 0, r1 8 | r0 4, r0 12, r1 4, r1 12.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const char* residual = static_cast<const char*>(rows.residual);
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_AVX2_UNROLL
  for (int r = 0; r < R; r += 2) {
    constexpr int kLast = R - 1;
    const int next = r < kLast ? r + 1 : r;
    const __m256i first =
        ClampedWords<kResidual>(e, lo, hi, _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[r][0]), m0, b0),
                                _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[r][1]), m1, b1), residual);
    __m256i second = first;
    if (next != r) {
      second = ClampedWords<kResidual>(e, lo, hi,
                                       _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[next][0]), m0, b0),
                                       _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[next][1]), m1, b1),
                                       residual + rows.residual_stride);
    }
    const __m256i bytes = _mm256_permutevar8x32_epi32(
        u8 ? _mm256_packus_epi16(first, second) : _mm256_packs_epi16(first, second), order);
    StoreBytes(_mm256_castsi256_si128(bytes), n, dst);
    if (next != r) StoreBytes(_mm256_extracti128_si256(bytes, 1), n, dst + rows.dst_stride);
    residual += 2 * rows.residual_stride;
    dst += 2 * rows.dst_stride;
  }
}

// May ApplyEpilogueFast be used?
SKIFF_AVX2_INLINE bool IsFast(const Epilogue& e) {
  return e.activation == EpilogueActivation::kClamp && e.store != StoreType::kF32 && !e.half_away &&
         e.residual != ResidualType::kF32;
}

// The whole epilogue for the sums of R positions.
template <int R>
SKIFF_AVX2_INLINE void ApplyEpilogueRows(const Epilogue& e, const __m256i (&acc)[R][2],
                                         const EpilogueRows& rows) {
  const bool fast = IsFast(e);
  if (fast && e.residual == ResidualType::kNone) {
    ApplyEpilogueFast<R, false>(e, acc, rows);
  } else if (fast) {
    ApplyEpilogueFast<R, true>(e, acc, rows);
  } else {
    alignas(32) int32_t sums[R][16];
    SKIFF_AVX2_UNROLL
    for (int r = 0; r < R; ++r) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(sums[r]), acc[r][0]);
      _mm256_store_si256(reinterpret_cast<__m256i*>(sums[r] + 8), acc[r][1]);
    }
    ApplyEpilogueSlow(e, sums[0], R, rows);
  }
}

}  // namespace
}  // namespace skiff::kernels::avx2
