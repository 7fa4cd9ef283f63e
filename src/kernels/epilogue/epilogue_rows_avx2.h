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
  Clamp clamp;  // where it comes before the rounding
  __m256i lo_code, hi_code;
  HardSwish hard_swish;
};

// Which of the fast loops: the branches are taken once for all rows.
struct Residual {
  static constexpr bool kResidual = true, kHardSwish = false, kClampsCodes = true;
};
struct Activated {
  static constexpr bool kResidual = false, kHardSwish = true, kClampsCodes = false;
};
struct Plain {
  static constexpr bool kResidual = false, kHardSwish = false, kClampsCodes = true;
};

template <typename Kind, bool kHalfAway>
SKIFF_INLINE __m256i FastRound(const FastEpilogue& f, __m256 y) {
  if constexpr (!Kind::kClampsCodes) return RoundToCodes(y, f.clamp, kHalfAway);
  return kHalfAway ? RoundHalfAway(y) : _mm256_cvtps_epi32(y);
}

// The codes of 16 sums as s16, in the order 0-3, 8-11 | 4-7, 12-15.
template <typename Kind, bool kHalfAway>
SKIFF_INLINE __m256i FastCodes(const Epilogue& e, const FastEpilogue& f, __m256i acc0, __m256i acc1,
                               __m128i residual) {
  __m256 y0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc0), f.m0, f.b0);
  __m256 y1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc1), f.m1, f.b1);
  if constexpr (Kind::kResidual) AddResidualCodes(e, residual, y0, y1);
  if constexpr (Kind::kHardSwish) {
    y0 = f.hard_swish(y0);
    y1 = f.hard_swish(y1);
  }
  return _mm256_packs_epi32(FastRound<Kind, kHalfAway>(f, y0), FastRound<Kind, kHalfAway>(f, y1));
}

// The bytes of two vectors of s16 codes.
template <typename Kind>
SKIFF_INLINE __m256i FastPack(const FastEpilogue& f, bool u8, __m256i first, __m256i second) {
  const __m256i bytes = u8 ? _mm256_packus_epi16(first, second) : _mm256_packs_epi16(first, second);
  if constexpr (!Kind::kClampsCodes) return bytes;
  return u8 ? _mm256_min_epu8(_mm256_max_epu8(bytes, f.lo_code), f.hi_code)
            : _mm256_min_epi8(_mm256_max_epi8(bytes, f.lo_code), f.hi_code);
}

// How a vector of codes is filled: from one position of V = 2 vectors of channels.
template <int V, typename Kind, bool kHalfAway>
struct FastRows {
  using KindOfRow = Kind;
  static constexpr int kPositions = 1;

  template <int R>
  static SKIFF_INLINE __m256i Codes(const Epilogue& e, const FastEpilogue& f,
                                    const __m256i (&acc)[R][2], int r, const EpilogueRows& rows) {
    const char* at = static_cast<const char*>(rows.residual) + r * rows.residual_stride;
    const __m128i residual = Kind::kResidual ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(at))
                                             : _mm_setzero_si128();
    return FastCodes<Kind, kHalfAway>(e, f, acc[r][0], acc[r][1], residual);
  }
  template <int R>
  static SKIFF_INLINE void Store(__m128i codes, int r, int64_t n, const EpilogueRows& rows) {
    StoreBytes(codes, n, static_cast<char*>(rows.dst) + r * rows.dst_stride);
  }
};

// From two positions of at most 8 channels.
template <typename Kind, bool kHalfAway>
struct FastRows<1, Kind, kHalfAway> {
  using KindOfRow = Kind;
  static constexpr int kPositions = 2;

  template <int R>
  static SKIFF_INLINE __m256i Codes(const Epilogue& e, const FastEpilogue& f,
                                    const __m256i (&acc)[R][2], int r, const EpilogueRows& rows) {
    const int next = r + 1 < R ? r + 1 : r;
    __m128i residual = _mm_setzero_si128();
    if constexpr (Kind::kResidual) {
      const char* at = static_cast<const char*>(rows.residual);
      residual = _mm_unpacklo_epi64(
          _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + r * rows.residual_stride)),
          _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + next * rows.residual_stride)));
    }
    return FastCodes<Kind, kHalfAway>(e, f, acc[r][0], acc[next][0], residual);
  }
  template <int R>
  static SKIFF_INLINE void Store(__m128i codes, int r, int64_t n, const EpilogueRows& rows) {
    char* dst = static_cast<char*>(rows.dst) + r * rows.dst_stride;
    StoreBytes(codes, n, dst);
    if (r + 1 < R) StoreBytes(_mm_srli_si128(codes, 8), n, dst + rows.dst_stride);
  }
};

// Clamp or hard_swish, codes out: nearly every layer of a convolutional net.
template <int R, typename Rows>
SKIFF_INLINE void ApplyEpilogueFast(const Epilogue& e, const __m256i (&acc)[R][2],
                                    const EpilogueRows& rows) {
  const bool narrow = Rows::kPositions == 2;  // both halves of a vector are the same channels
  const int64_t second_half = rows.channel + (narrow ? 0 : 8);
  const FastEpilogue f = {_mm256_loadu_ps(e.m + rows.channel),
                          _mm256_loadu_ps(e.m + second_half),
                          _mm256_loadu_ps(e.b + rows.channel),
                          _mm256_loadu_ps(e.b + second_half),
                          {_mm256_set1_ps(e.lo), _mm256_set1_ps(e.hi)},
                          _mm256_set1_epi8(static_cast<char>(e.lo_code)),
                          _mm256_set1_epi8(static_cast<char>(e.hi_code)),
                          HardSwish(e)};
  const bool u8 = e.store == StoreType::kU8;
  const int64_t n = rows.n;
  // Dwords of two vectors after packing: r0 0, r0 8, r1 0, r1 8 | r0 4, r0 12, r1 4, r1 12.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  constexpr int kNext = Rows::kPositions;
  SKIFF_UNROLL
  for (int r = 0; r < R; r += 2 * kNext) {
    const __m256i first = Rows::Codes(e, f, acc, r, rows);
    __m256i second = first;
    if (r + kNext < R) second = Rows::Codes(e, f, acc, r + kNext, rows);
    const __m256i bytes = _mm256_permutevar8x32_epi32(
        FastPack<typename Rows::KindOfRow>(f, u8, first, second), order);
    Rows::template Store<R>(_mm256_castsi256_si128(bytes), r, n, rows);
    if (r + kNext < R) {
      Rows::template Store<R>(_mm256_extracti128_si256(bytes, 1), r + kNext, n, rows);
    }
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
  const HardSwish hard_swish(e);
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_UNROLL
  for (int r = 0; r < R; ++r, dst += rows.dst_stride) {
    __m256 y0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[r][0]), m0, b0);
    __m256 y1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[r][1]), m1, b1);
    if constexpr (kHardSwish) {
      y0 = hard_swish(y0);
      y1 = hard_swish(y1);
    }
    StoreFloats(e, y0, y1, rows.n, reinterpret_cast<float*>(dst));
  }
}

// Codes out.
SKIFF_INLINE bool StoresCodes(const Epilogue& e) {
  return e.store != StoreType::kF32 && e.residual != ResidualType::kF32;
}

template <int R, int V, typename Kind>
SKIFF_INLINE void ApplyEpilogueFast(const Epilogue& e, const __m256i (&acc)[R][2],
                                    const EpilogueRows& rows) {
  if (e.half_away) {
    ApplyEpilogueFast<R, FastRows<V, Kind, true>>(e, acc, rows);
  } else {
    ApplyEpilogueFast<R, FastRows<V, Kind, false>>(e, acc, rows);
  }
}

// The whole epilogue for the sums of R positions, V vectors of each.
template <int R, int V = 2>
SKIFF_INLINE void ApplyEpilogueRows(const Epilogue& e, const __m256i (&acc)[R][2],
                                    const EpilogueRows& rows) {
  const bool residual = e.residual != ResidualType::kNone;
  if (e.clamps_codes && !residual) {
    ApplyEpilogueFast<R, V, Plain>(e, acc, rows);
  } else if (e.clamps_codes) {
    ApplyEpilogueFast<R, V, Residual>(e, acc, rows);
  } else if (e.activation == EpilogueActivation::kHardSwish && StoresCodes(e) && !residual) {
    ApplyEpilogueFast<R, V, Activated>(e, acc, rows);
  } else if (e.activation == EpilogueActivation::kHardSwish && !residual) {
    ApplyEpilogueFloats<R, true>(e, acc, rows);
  } else if (e.activation == EpilogueActivation::kClamp && !residual &&
             e.store == StoreType::kF32) {
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
