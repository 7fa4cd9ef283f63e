// The epilogue for several output positions whose sums are still in registers, for the *_avx2.cc
// files. Internal linkage only.
//
// The loops of a kernel are compiled once for each kind of epilogue that convolutional nets are
// made of (epilogue_kinds.h), so that a tile finds no decision left to take. Everything else goes
// through memory (FinishSums), in one function that all tiles of a file share.
#pragma once

#include "kernels/epilogue/epilogue_avx2.h"
#include "kernels/epilogue/epilogue_kinds.h"

namespace skiff::kernels::avx2 {
namespace {

// Where the channels of a position lie in two vectors of sums: one after the other.
struct InOrder {
  static constexpr bool kInOrder = true;
  static SKIFF_INLINE __m256 Load(const float* p, int part) {
    return _mm256_loadu_ps(p + 8 * part);
  }
  // The codes of two positions, after they were packed twice: channels 0-3, 8-11 of the first and
  // of the second | channels 4-7, 12-15.
  static SKIFF_INLINE __m256i Sort(__m256i codes) {
    return _mm256_permutevar8x32_epi32(codes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
};

// As unpacking s16 leaves them: 0-3 | 8-11 and 4-7 | 12-15. Packing undoes it.
struct Unpacked {
  static constexpr bool kInOrder = false;
  static SKIFF_INLINE __m256 Load(const float* p, int part) {
    const __m128 low = _mm_loadu_ps(p + 4 * part);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(low), _mm_loadu_ps(p + 8 + 4 * part), 1);
  }
  static SKIFF_INLINE __m256i Sort(__m256i codes) { return _mm256_permute4x64_epi64(codes, 0xd8); }
};

// The codes of an epilogue of one kind (epilogue_kinds.h).
template <typename Kind>
struct Codes {
  static constexpr int64_t kResidualBytes = 8 * Kind::kResidualBytes;  // of a vector

  static SKIFF_INLINE __m256i Round(__m256 y) {
    if constexpr (!Kind::kHalfAway) return _mm256_cvtps_epi32(y);
    // What is below zero becomes the lowest code however it is rounded.
    if constexpr (Kind::kUnsigned) {
      return _mm256_cvttps_epi32(_mm256_add_ps(y, _mm256_set1_ps(0x1.fffffep-2F)));
    }
    return RoundHalfAway(y);
  }
  // Of 8 channels.
  static SKIFF_INLINE __m256 Residual(const char* p) {
    if constexpr (Kind::kResidual == ResidualType::kF32) {
      return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
    }
    const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm256_cvtepi32_ps(Kind::kResidual == ResidualType::kU8 ? _mm256_cvtepu8_epi32(codes)
                                                                   : _mm256_cvtepi8_epi32(codes));
  }
  static SKIFF_INLINE __m256i Pack(__m256i first, __m256i second, __m256i lo, __m256i hi) {
    if constexpr (Kind::kClampsFloats) {
      return Kind::kUnsigned ? _mm256_packus_epi16(first, second)
                             : _mm256_packs_epi16(first, second);
    }
    if constexpr (Kind::kUnsigned) {
      return _mm256_min_epu8(_mm256_packus_epi16(first, second), hi);
    }
    return _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(first, second), lo), hi);
  }
};

// m and b of the channels that two vectors of sums stand for.
struct Factors {
  __m256 m0, m1, b0, b1;

  template <typename Order>
  static SKIFF_INLINE Factors Of(const Epilogue& e, int64_t channel, int second) {
    return {Order::Load(e.m + channel, 0), Order::Load(e.m + channel, second),
            Order::Load(e.b + channel, 0), Order::Load(e.b + channel, second)};
  }
};

// What happens to sums after `Factors`.
struct Rest {
  __m256 mr;
  const char* residual;  // of the position and its first channel
  HardSwish hard_swish;
  Clamp clamp;  // of floats

  SKIFF_INLINE Rest(const Epilogue& e, const void* r)
      : mr(_mm256_set1_ps(e.mr)),
        residual(static_cast<const char*>(r)),
        hard_swish(e),
        clamp{_mm256_set1_ps(e.lo), _mm256_set1_ps(e.hi)} {}
};

// The codes of two vectors of sums as s16.
template <typename Kind>
SKIFF_INLINE __m256i WordsOf(const Factors& f, __m256i acc0, __m256i acc1, const Rest& rest) {
  __m256 y0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc0), f.m0, f.b0);
  __m256 y1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc1), f.m1, f.b1);
  if constexpr (Kind::kHasResidual) {
    y0 = _mm256_fmadd_ps(Codes<Kind>::Residual(rest.residual), rest.mr, y0);
    y1 = _mm256_fmadd_ps(Codes<Kind>::Residual(rest.residual + Codes<Kind>::kResidualBytes),
                         rest.mr, y1);
  }
  if constexpr (Kind::kHardSwish) {
    y0 = rest.hard_swish(y0);
    y1 = rest.hard_swish(y1);
  }
  if constexpr (Kind::kClampsFloats) {
    // A NaN becomes the lowest code: maxps returns its second operand.
    y0 = _mm256_min_ps(_mm256_max_ps(y0, rest.clamp.lo), rest.clamp.hi);
    y1 = _mm256_min_ps(_mm256_max_ps(y1, rest.clamp.lo), rest.clamp.hi);
  }
  return _mm256_packs_epi32(Codes<Kind>::Round(y0), Codes<Kind>::Round(y1));
}

// R positions of 16 channels; R is even.
template <typename Kind, typename Order, int R>
SKIFF_INLINE void StoreWide(const Epilogue& e, const __m256i (&acc)[R][2],
                            const EpilogueRows& rows) {
  static_assert(R % 2 == 0 && (!Kind::kHasResidual || Order::kInOrder));
  const Factors f = Factors::Of<Order>(e, rows.channel, 1);
  const __m256i lo = _mm256_set1_epi8(static_cast<char>(e.lo_code));
  const __m256i hi = _mm256_set1_epi8(static_cast<char>(e.hi_code));
  Rest rest(e, rows.residual);
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_UNROLL
  for (int r = 0; r < R; r += 2) {
    const __m256i first = WordsOf<Kind>(f, acc[r][0], acc[r][1], rest);
    rest.residual += rows.residual_stride;
    const __m256i second = WordsOf<Kind>(f, acc[r + 1][0], acc[r + 1][1], rest);
    rest.residual += rows.residual_stride;
    const __m256i codes = Order::Sort(Codes<Kind>::Pack(first, second, lo, hi));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), _mm256_castsi256_si128(codes));
    dst += rows.dst_stride;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), _mm256_extracti128_si256(codes, 1));
    dst += rows.dst_stride;
  }
}

// R positions of 16 channels, clamped and stored as floats.
template <int R>
SKIFF_INLINE void StoreWideFloats(const Epilogue& e, const __m256i (&acc)[R][2],
                                  const EpilogueRows& rows) {
  const Factors f = Factors::Of<InOrder>(e, rows.channel, 1);
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_UNROLL
  for (int r = 0; r < R; ++r, dst += rows.dst_stride) {
    StoreFloats(e, _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[r][0]), f.m0, f.b0),
                _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[r][1]), f.m1, f.b1), 16,
                reinterpret_cast<float*>(dst));
  }
}

// R positions of 8 channels, no residual: two positions take the place of the halves of one.
template <typename Kind, int R>
SKIFF_INLINE void StoreNarrow(const Epilogue& e, const __m256i (&acc)[R][2],
                              const EpilogueRows& rows) {
  static_assert(R % 2 == 0 && !Kind::kHasResidual);
  const Factors f = Factors::Of<InOrder>(e, rows.channel, 0);
  const __m256i lo = _mm256_set1_epi8(static_cast<char>(e.lo_code));
  const __m256i hi = _mm256_set1_epi8(static_cast<char>(e.hi_code));
  const Rest rest(e, nullptr);
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_UNROLL
  for (int r = 0; r < R; r += 2) {
    const __m256i words = WordsOf<Kind>(f, acc[r][0], acc[r + 1][0], rest);
    const __m128i codes =
        _mm256_castsi256_si128(InOrder::Sort(Codes<Kind>::Pack(words, words, lo, hi)));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(dst), codes);
    dst += rows.dst_stride;
    _mm_storeh_pd(reinterpret_cast<double*>(dst), _mm_castsi128_pd(codes));
    dst += rows.dst_stride;
  }
}

// R positions of up to 32 channels, no residual, as unpacking twice leaves them: vector i has
// channels 4 i to 4 i + 3 | 16 + 4 i to 16 + 4 i + 3. Packing twice undoes it. store(codes, dst)
// stores those that exist.
template <typename Kind, int R, typename Store>
SKIFF_INLINE void StoreQuads(const Epilogue& e, const __m256i (&acc)[R][4],
                             const EpilogueRows& rows, Store store) {
  static_assert(!Kind::kHasResidual);
  const auto load = [](const float* p) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + 16), 1);
  };
  const float* m = e.m + rows.channel;
  const float* b = e.b + rows.channel;
  const Factors low = {load(m), load(m + 4), load(b), load(b + 4)};
  const Factors high = {load(m + 8), load(m + 12), load(b + 8), load(b + 12)};
  const __m256i lo = _mm256_set1_epi8(static_cast<char>(e.lo_code));
  const __m256i hi = _mm256_set1_epi8(static_cast<char>(e.hi_code));
  const Rest rest(e, nullptr);
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_UNROLL
  for (int r = 0; r < R; ++r, dst += rows.dst_stride) {
    const __m256i first = WordsOf<Kind>(low, acc[r][0], acc[r][1], rest);
    const __m256i second = WordsOf<Kind>(high, acc[r][2], acc[r][3], rest);
    store(Codes<Kind>::Pack(first, second, lo, hi), dst);
  }
}

// Any epilogue of `count` positions: 16 sums each, of which rows.n count.
[[maybe_unused]] __attribute__((noinline)) void FinishSums(const Epilogue& e, const int32_t* sums,
                                                           int64_t count,
                                                           const EpilogueRows& rows) {
  const auto for_each = [&](auto finish) {
    const char* residual = static_cast<const char*>(rows.residual);
    char* dst = static_cast<char*>(rows.dst);
    for (int64_t r = 0; r < count; ++r) {
      const auto* acc = reinterpret_cast<const __m256i*>(sums + 16 * r);
      finish(_mm256_load_si256(acc), _mm256_load_si256(acc + 1), residual, dst);
      residual += rows.residual_stride;
      dst += rows.dst_stride;
    }
  };
  const bool hard_swish = e.activation == EpilogueActivation::kHardSwish;
  const bool clamp = e.activation == EpilogueActivation::kClamp;
  if (e.residual != ResidualType::kNone || (!hard_swish && !clamp)) {
    for_each([&](__m256i acc0, __m256i acc1, const char* residual, char* dst) {
      ApplyEpilogue(e, acc0, acc1, rows.channel, rows.n, residual, dst);
    });
    return;
  }
  const Factors f = Factors::Of<InOrder>(e, rows.channel, 1);
  const HardSwish activation(e);
  for_each([&](__m256i acc0, __m256i acc1, const char* /*residual*/, char* dst) {
    __m256 y0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc0), f.m0, f.b0);
    __m256 y1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc1), f.m1, f.b1);
    if (hard_swish) {
      y0 = activation(y0);
      y1 = activation(y1);
    }
    StoreVectors(e, y0, y1, rows.n, dst);
  });
}

// The sums of R positions, the first V vectors of each, by way of memory.
template <int R, int V>
SKIFF_INLINE void FinishAny(const Epilogue& e, const __m256i (&acc)[R][2],
                            const EpilogueRows& rows) {
  alignas(32) int32_t sums[R][16];
  SKIFF_UNROLL
  for (int r = 0; r < R; ++r) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(sums[r]), acc[r][0]);
    _mm256_store_si256(reinterpret_cast<__m256i*>(sums[r] + 8),
                       V == 2 ? acc[r][1] : _mm256_setzero_si256());
  }
  FinishSums(e, sums[0], R, rows);
}

}  // namespace
}  // namespace skiff::kernels::avx2
