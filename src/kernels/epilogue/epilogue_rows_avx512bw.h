// The epilogue for several output positions whose sums are still in registers, for the files of the
// rungs from AVX-512BW on. As epilogue_rows_avx2.h: compiled once for each kind of epilogue that
// convolutional nets are made of; the others go through memory (epilogue_avx512bw.h). Internal
// linkage only.
#pragma once

#include "kernels/epilogue/epilogue_avx512bw.h"
#include "kernels/epilogue/epilogue_kinds.h"

namespace skiff::kernels::avx512bw {
namespace {

// What is the same for all epilogues.
struct Constants {
  // Dwords after packing: 4 lane + v holds channels 16 v + 4 lane on.
  alignas(64) int32_t order[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  float below_half = kBelowHalf;
};
constexpr Constants kConstants;

// The same pointer, of which the compiler does not know that it is: what is read through it is read
// when it is needed. It would be kept in registers through the products otherwise, which need all.
template <typename T>
SKIFF_INLINE const T& ReadHere(const T& value) {
  const T* p = &value;
  __asm__ volatile("" : "+r"(p));
  return *p;
}

// Likewise of a vector: GCC copies the sums in every turn of the loop of products, from the
// registers where they are added to those where an epilogue wants them, and those are not enough.
SKIFF_INLINE __m512i ReadHere(__m512i sums) {
  __asm__ volatile("" : "+v"(sums));
  return sums;
}

// What an epilogue needs besides m and b of its channels.
struct Rest {
  __m512 mr, lo, hi, below_half;
  HardSwish hard_swish;

  SKIFF_INLINE Rest(const Epilogue& e, const Constants& constants)
      : mr(_mm512_set1_ps(e.mr)),
        lo(_mm512_set1_ps(e.lo)),
        hi(_mm512_set1_ps(e.hi)),
        below_half(_mm512_set1_ps(constants.below_half)),
        hard_swish(e) {}
};

// The codes of an epilogue of one kind (epilogue_kinds.h).
template <typename Kind>
struct Codes {
  static constexpr int64_t kResidualBytes = 16 * Kind::kResidualBytes;  // of a vector

  static SKIFF_INLINE __m512i Round(__m512 y, __m512 below_half) {
    // What is below zero becomes the lowest code however it is rounded.
    if constexpr (Kind::kHalfAway && Kind::kUnsigned) {
      return _mm512_cvttps_epi32(_mm512_add_ps(y, below_half));
    }
    return avx512bw::Round<Kind::kHalfAway>(y, below_half);
  }
  // 16 residuals.
  static SKIFF_INLINE __m512 Residual(const char* p) {
    if constexpr (Kind::kResidual == ResidualType::kF32) return _mm512_loadu_ps(p);
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm512_cvtepi32_ps(Kind::kResidual == ResidualType::kU8 ? _mm512_cvtepu8_epi32(codes)
                                                                   : _mm512_cvtepi8_epi32(codes));
  }
  static SKIFF_INLINE __m512i Of(__m512i sums, __m512 m, __m512 b, const Rest& rest,
                                 const char* residual) {
    __m512 y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), m, b);
    if constexpr (Kind::kHasResidual) y = _mm512_fmadd_ps(Residual(residual), rest.mr, y);
    if constexpr (Kind::kHardSwish) y = rest.hard_swish(y);
    // A NaN becomes the lowest code: maxps returns its second operand.
    if constexpr (Kind::kClampsFloats) y = _mm512_min_ps(_mm512_max_ps(y, rest.lo), rest.hi);
    return Round(y, rest.below_half);
  }
  // The bytes of four vectors: lane l holds lane l of each of them.
  static SKIFF_INLINE __m512i Pack(const __m512i (&codes)[4], __m512i lo, __m512i hi) {
    const __m512i first = _mm512_packs_epi32(codes[0], codes[1]);
    const __m512i second = _mm512_packs_epi32(codes[2], codes[3]);
    if constexpr (Kind::kUnsigned) {
      const __m512i bytes = _mm512_packus_epi16(first, second);
      return Kind::kClampsFloats ? bytes : _mm512_min_epu8(bytes, hi);
    }
    const __m512i bytes = _mm512_packs_epi16(first, second);
    return Kind::kClampsFloats ? bytes : _mm512_min_epi8(_mm512_max_epi8(bytes, lo), hi);
  }
};

// Stores the codes of up to four positions of V vectors, one after the other in `bytes`.
template <int V>
SKIFF_INLINE void StorePositions(__m512i bytes, int count, int64_t stride, char* dst) {
  const __m256i low = _mm512_castsi512_si256(bytes);
  if constexpr (V == 4) {
    _mm512_storeu_si512(dst, bytes);
  } else if constexpr (V == 3) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst), low);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + 32), _mm512_extracti32x4_epi32(bytes, 2));
  } else if constexpr (V == 2) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst), low);
    if (count < 2) return;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + stride),
                        _mm512_extracti64x4_epi64(bytes, 1));
  } else {
    const auto at = [&](int i) { return reinterpret_cast<__m128i*>(dst + i * stride); };
    _mm_storeu_si128(at(0), _mm512_castsi512_si128(bytes));
    if (count > 1) _mm_storeu_si128(at(1), _mm512_extracti32x4_epi32(bytes, 1));
    if (count > 2) _mm_storeu_si128(at(2), _mm512_extracti32x4_epi32(bytes, 2));
    if (count > 3) _mm_storeu_si128(at(3), _mm512_extracti32x4_epi32(bytes, 3));
  }
}

// R positions of 16 V channels.
template <typename Kind, int R, int V>
SKIFF_INLINE void StoreInOrder(const Epilogue& e, const __m512i (&acc)[R][4],
                               const EpilogueRows& rows) {
  const Constants& constants = ReadHere(kConstants);
  const Rest rest(e, constants);
  const char* residual = static_cast<const char*>(rows.residual);
  __m512i codes[R][V];
  SKIFF_UNROLL
  for (int r = 0; r < R; ++r) {
    SKIFF_UNROLL
    for (int v = 0; v < V; ++v) codes[r][v] = ReadHere(acc[r][v]);
  }
  SKIFF_UNROLL
  for (int v = 0; v < V; ++v) {
    const __m512 m = _mm512_loadu_ps(e.m + rows.channel + 16 * v);
    const __m512 b = _mm512_loadu_ps(e.b + rows.channel + 16 * v);
    SKIFF_UNROLL
    for (int r = 0; r < R; ++r) {
      const char* from = nullptr;
      if constexpr (Kind::kHasResidual) {
        from = residual + r * rows.residual_stride + v * Codes<Kind>::kResidualBytes;
      }
      codes[r][v] = Codes<Kind>::Of(codes[r][v], m, b, rest, from);
    }
  }
  const __m512i lo = _mm512_set1_epi8(static_cast<char>(e.lo_code));
  const __m512i hi = _mm512_set1_epi8(static_cast<char>(e.hi_code));
  const __m512i order = _mm512_load_si512(constants.order);
  constexpr int kTogether = 4 / V;
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_UNROLL
  for (int r = 0; r < R; r += kTogether) {
    const int count = r + kTogether <= R ? kTogether : R - r;
    __m512i four[4];
    SKIFF_UNROLL
    for (int i = 0; i < 4; ++i) {
      four[i] = i < count * V ? codes[r + i / V][i % V] : _mm512_setzero_si512();
    }
    const __m512i bytes = _mm512_permutexvar_epi32(order, Codes<Kind>::Pack(four, lo, hi));
    StorePositions<V>(bytes, count, rows.dst_stride, dst + r * rows.dst_stride);
  }
}

// R positions of 16 V channels, clamped and stored as floats.
template <int R, int V>
SKIFF_INLINE void StoreFloats(const Epilogue& e, const __m512i (&acc)[R][4],
                              const EpilogueRows& rows) {
  const __m512 lo = _mm512_set1_ps(e.lo);
  const __m512 hi = _mm512_set1_ps(e.hi);
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_UNROLL
  for (int v = 0; v < V; ++v) {
    const __m512 m = _mm512_loadu_ps(e.m + rows.channel + 16 * v);
    const __m512 b = _mm512_loadu_ps(e.b + rows.channel + 16 * v);
    SKIFF_UNROLL
    for (int r = 0; r < R; ++r) {
      const __m512 y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(ReadHere(acc[r][v])), m, b);
      _mm512_storeu_ps(dst + r * rows.dst_stride + 64 * v,
                       _mm512_min_ps(hi, _mm512_max_ps(lo, y)));  // a NaN stays
    }
  }
}

// The codes of P positions whose factors lie in the order of the sums.
template <typename Kind, int P, int V>
struct OrderedCodes {
  __m512i codes[P][V];
  __m512i lo, hi;

  SKIFF_INLINE OrderedCodes(const Epilogue& e, const __m512i (&acc)[P][V],
                            const EpilogueRows& rows) {
    static_assert(!Kind::kHasResidual);
    const Rest rest(e, ReadHere(kConstants));
    lo = _mm512_set1_epi8(static_cast<char>(e.lo_code));
    hi = _mm512_set1_epi8(static_cast<char>(e.hi_code));
    SKIFF_UNROLL
    for (int v = 0; v < V; ++v) {
      const __m512 m = _mm512_load_ps(rows.factors + 16 * v);
      const __m512 b = _mm512_load_ps(rows.factors + 16 * (V + v));
      SKIFF_UNROLL
      for (int p = 0; p < P; ++p) codes[p][v] = Codes<Kind>::Of(acc[p][v], m, b, rest, nullptr);
    }
  }
};

// P positions of up to 64 channels, of whose sums lane l of vector v are the channels 16 l + 4 v
// on, as unpacking codes twice leaves them: packing twice undoes it.
template <typename Kind, int P>
SKIFF_INLINE void StoreByLanes(const Epilogue& e, const __m512i (&acc)[P][4],
                               const EpilogueRows& rows) {
  const OrderedCodes<Kind, P, 4> all(e, acc, rows);
  char* dst = static_cast<char*>(rows.dst);
  SKIFF_UNROLL
  for (int p = 0; p < P; ++p, dst += rows.dst_stride) {
    StoreBytes(Codes<Kind>::Pack(all.codes[p], all.lo, all.hi), rows.n, dst);
  }
}

// P positions of up to 32 channels, of whose sums lane l of vector v are the channels 8 l + 4 v on,
// as unpacking codes once leaves them.
template <typename Kind, int P>
SKIFF_INLINE void StoreByHalves(const Epilogue& e, const __m512i (&acc)[P][2],
                                const EpilogueRows& rows) {
  const OrderedCodes<Kind, P, 2> all(e, acc, rows);
  char* dst = static_cast<char*>(rows.dst);
  // Packing leaves eight channels of one position beside eight of the other.
  const __m512i apart = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  SKIFF_UNROLL
  for (int p = 0; p < P; p += 2, dst += 2 * rows.dst_stride) {
    const int other = p + 1 < P ? p + 1 : p;
    const __m512i two[4] = {all.codes[p][0], all.codes[p][1], all.codes[other][0],
                            all.codes[other][1]};
    const __m512i bytes = _mm512_permutexvar_epi64(apart, Codes<Kind>::Pack(two, all.lo, all.hi));
    StoreBytes(_mm512_castsi512_si256(bytes), rows.n, dst);
    if (other == p) break;
    StoreBytes(_mm512_extracti64x4_epi64(bytes, 1), rows.n, dst + rows.dst_stride);
  }
}

}  // namespace
}  // namespace skiff::kernels::avx512bw
