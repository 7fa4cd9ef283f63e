// The epilogue for several output positions whose sums are still in registers, for the *_avx2.cc
// files. Internal linkage only.
#pragma once

#include "kernels/epilogue/epilogue_avx2.h"

namespace skiff::kernels::avx2 {
namespace {

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

// What FastCodes needs of an epilogue. Read before the first store, which might change the epilogue
// as far as the compiler knows.
struct FastEpilogue {
  __m256 m0, m1, b0, b1;
  Clamp clamp;
  bool half_away;
};

// 16 codes as s16, in the order 0-3, 8-11 | 4-7, 12-15.
template <bool kResidual, bool kHardSwish>
SKIFF_INLINE __m256i FastCodes(const Epilogue& e, const FastEpilogue& f, const __m256i (&acc)[2],
                               const void* residual) {
  __m256 y0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[0]), f.m0, f.b0);
  __m256 y1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[1]), f.m1, f.b1);
  if constexpr (kResidual) AddResidual(e, residual, y0, y1);
  if constexpr (kHardSwish) {
    y0 = HardSwish(e, y0);
    y1 = HardSwish(e, y1);
  }
  return _mm256_packs_epi32(RoundToCodes(y0, f.clamp, f.half_away),
                            RoundToCodes(y1, f.clamp, f.half_away));
}

// Clamp or hard_swish, codes out: nearly every layer of a convolutional net.
template <int R, bool kResidual, bool kHardSwish = false>
SKIFF_INLINE void ApplyEpilogueFast(const Epilogue& e, const __m256i (&acc)[R][2],
                                    const EpilogueRows& rows) {
  const FastEpilogue f = {
      _mm256_loadu_ps(e.m + rows.channel),          _mm256_loadu_ps(e.m + rows.channel + 8),
      _mm256_loadu_ps(e.b + rows.channel),          _mm256_loadu_ps(e.b + rows.channel + 8),
      {_mm256_set1_ps(e.lo), _mm256_set1_ps(e.hi)}, e.half_away};
  const bool u8 = e.store == StoreType::kU8;
  const int64_t n = rows.n;
  // Dwords of two rows after packing: r0 0, r0 8, r1 0, r1 8 | r0 4, r0 12, r1 4, r1 12.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const char* residual = static_cast<const char*>(rows.residual);
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_UNROLL
  for (int r = 0; r < R; r += 2) {
    constexpr int kLast = R - 1;
    const int next = r < kLast ? r + 1 : r;
    const __m256i first = FastCodes<kResidual, kHardSwish>(e, f, acc[r], residual);
    __m256i second = first;
    if (next != r) {
      second = FastCodes<kResidual, kHardSwish>(e, f, acc[next], residual + rows.residual_stride);
    }
    const __m256i bytes = _mm256_permutevar8x32_epi32(
        u8 ? _mm256_packus_epi16(first, second) : _mm256_packs_epi16(first, second), order);
    StoreBytes(_mm256_castsi256_si128(bytes), n, dst);
    if (next != r) StoreBytes(_mm256_extracti128_si256(bytes, 1), n, dst + rows.dst_stride);
    residual += 2 * rows.residual_stride;
    dst += 2 * rows.dst_stride;
  }
}

// Clamp or hard_swish, floats out, no residual: what squeeze-and-excite reads.
template <int R, bool kHardSwish>
SKIFF_INLINE void ApplyEpilogueFloats(const Epilogue& e, const __m256i (&acc)[R][2],
                                      const EpilogueRows& rows) {
  const __m256 m0 = _mm256_loadu_ps(e.m + rows.channel);
  const __m256 m1 = _mm256_loadu_ps(e.m + rows.channel + 8);
  const __m256 b0 = _mm256_loadu_ps(e.b + rows.channel);
  const __m256 b1 = _mm256_loadu_ps(e.b + rows.channel + 8);
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_UNROLL
  for (int r = 0; r < R; ++r, dst += rows.dst_stride) {
    __m256 y0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[r][0]), m0, b0);
    __m256 y1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[r][1]), m1, b1);
    if constexpr (kHardSwish) {
      y0 = HardSwish(e, y0);
      y1 = HardSwish(e, y1);
    }
    StoreFloats(e, y0, y1, rows.n, reinterpret_cast<float*>(dst));
  }
}

// Codes out.
SKIFF_INLINE bool StoresCodes(const Epilogue& e) {
  return e.store != StoreType::kF32 && e.residual != ResidualType::kF32;
}

// May ApplyEpilogueFast be used without kHardSwish?
SKIFF_INLINE bool IsFast(const Epilogue& e) {
  return e.activation == EpilogueActivation::kClamp && StoresCodes(e);
}

// The whole epilogue for the sums of R positions.
template <int R>
SKIFF_INLINE void ApplyEpilogueRows(const Epilogue& e, const __m256i (&acc)[R][2],
                                    const EpilogueRows& rows) {
  const bool residual = e.residual != ResidualType::kNone;
  if (IsFast(e) && !residual) {
    ApplyEpilogueFast<R, false>(e, acc, rows);
  } else if (IsFast(e)) {
    ApplyEpilogueFast<R, true>(e, acc, rows);
  } else if (e.activation == EpilogueActivation::kHardSwish && StoresCodes(e) && !residual) {
    ApplyEpilogueFast<R, false, true>(e, acc, rows);
  } else if (e.activation == EpilogueActivation::kHardSwish && !residual) {
    ApplyEpilogueFloats<R, true>(e, acc, rows);
  } else if (e.activation == EpilogueActivation::kClamp && !residual) {
    ApplyEpilogueFloats<R, false>(e, acc, rows);
  } else {
    alignas(32) int32_t sums[R][16];
    SKIFF_UNROLL
    for (int r = 0; r < R; ++r) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(sums[r]), acc[r][0]);
      _mm256_store_si256(reinterpret_cast<__m256i*>(sums[r] + 8), acc[r][1]);
    }
    ApplyEpilogueSlow(e, sums[0], R, rows);
  }
}

}  // namespace
}  // namespace skiff::kernels::avx2
