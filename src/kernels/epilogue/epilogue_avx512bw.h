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

// y * min(max(alpha * y + beta, 0), 1) * post; maxps and minps return their second operand for a
// NaN.
struct HardSwish {
  __m512 alpha, beta, post;

  explicit SKIFF_INLINE HardSwish(const Epilogue& e)
      : alpha(_mm512_set1_ps(e.alpha)),
        beta(_mm512_set1_ps(e.beta)),
        post(_mm512_set1_ps(e.post)) {}

  SKIFF_INLINE __m512 operator()(__m512 y) const {
    const __m512 line = _mm512_add_ps(_mm512_mul_ps(alpha, y), beta);
    const __m512 gate =
        _mm512_min_ps(_mm512_set1_ps(1.0F), _mm512_max_ps(_mm512_setzero_ps(), line));
    return _mm512_mul_ps(_mm512_mul_ps(y, gate), post);
  }
};

SKIFF_NOINLINE void ActivateSlow(const Epilogue& e, float* y) { Activate(e, y, 16); }

// y holds fma(acc, m, b) of 16 channels, of which those of `lanes` count.
SKIFF_INLINE void FinishChannels(const Epilogue& e, __m512 y, __mmask16 lanes, const void* residual,
                                 int64_t at, void* dst) {
  if (e.residual != ResidualType::kNone) {
    y = _mm512_fmadd_ps(LoadResidual(e.residual, residual, at, lanes), _mm512_set1_ps(e.mr), y);
  }
  if (e.activation == EpilogueActivation::kHardSwish) {
    y = HardSwish(e)(y);
  } else if (e.activation != EpilogueActivation::kClamp) {
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
SKIFF_NOINLINE void ApplyEpilogueSlow(const Epilogue& e, const int32_t* sums, int64_t count,
                                      const EpilogueRows& rows) {
  const char* residual = static_cast<const char*>(rows.residual);
  char* dst = static_cast<char*>(rows.dst);
#pragma GCC unroll 1
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

// |x| with the sign of y, for x >= 0.
SKIFF_INLINE __m512 WithSignOf(__m512 x, __m512 y) {
  constexpr int kOrAnd = 0xf8;  // a | (b & c)
  return _mm512_castsi512_ps(
      _mm512_ternarylogic_epi32(_mm512_castps_si512(x), _mm512_castps_si512(y),
                                _mm512_castps_si512(_mm512_set1_ps(-0.0F)), kOrAnd));
}

constexpr float kBelowHalf = 0x1.fffffep-2F;

// Rounds what ends as a code or beyond all codes. Half away from zero as in epilogue_avx2.h: the
// float just below one half is added towards the sign, then truncation lands where the rule says.
template <bool kHalfAway>
SKIFF_INLINE __m512i Round(__m512 y, __m512 below_half = _mm512_set1_ps(kBelowHalf)) {
  if constexpr (!kHalfAway) return _mm512_cvtps_epi32(y);
  return _mm512_cvttps_epi32(_mm512_add_ps(y, WithSignOf(below_half, y)));
}

// Lane l of vector v becomes lane v of vector l.
SKIFF_INLINE void TransposeLanes(__m512i (&v)[4]) {
  const __m512i a = _mm512_shuffle_i32x4(v[0], v[1], 0x44);
  const __m512i b = _mm512_shuffle_i32x4(v[2], v[3], 0x44);
  const __m512i c = _mm512_shuffle_i32x4(v[0], v[1], 0xee);
  const __m512i d = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
  v[0] = _mm512_shuffle_i32x4(a, b, 0x88);
  v[1] = _mm512_shuffle_i32x4(a, b, 0xdd);
  v[2] = _mm512_shuffle_i32x4(c, d, 0x88);
  v[3] = _mm512_shuffle_i32x4(c, d, 0xdd);
}
SKIFF_INLINE void TransposeLanes(__m512 (&v)[4]) {
  __m512i bits[4];
  SKIFF_UNROLL
  for (int i = 0; i < 4; ++i) bits[i] = _mm512_castps_si512(v[i]);
  TransposeLanes(bits);
  SKIFF_UNROLL
  for (int i = 0; i < 4; ++i) v[i] = _mm512_castsi512_ps(bits[i]);
}

// Which of the fast loops: the branches are taken once for all rows.
struct Plain {
  static constexpr ResidualType kResidual = ResidualType::kNone;
  static constexpr bool kHardSwish = false, kClampsCodes = true;
};
template <ResidualType kType>
struct Residual : Plain {
  static constexpr ResidualType kResidual = kType;
};
struct Activated : Plain {
  static constexpr bool kHardSwish = true, kClampsCodes = false;
};

// The epilogue's numbers for V vectors of channels. Read before the first store, which might change
// the epilogue as far as the compiler knows; past the last channel lies kEpilogueSlack.
template <int V>
struct FastEpilogue {
  __m512 m[V], b[V];
  __m512 mr, lo, hi;
  HardSwish hard_swish;
  __m512i lo_code, hi_code;
  bool u8;

  SKIFF_INLINE FastEpilogue(const Epilogue& e, int64_t channel)
      : mr(_mm512_set1_ps(e.mr)),
        lo(_mm512_set1_ps(e.lo)),
        hi(_mm512_set1_ps(e.hi)),
        hard_swish(e),
        lo_code(_mm512_set1_epi8(static_cast<char>(e.lo_code))),
        hi_code(_mm512_set1_epi8(static_cast<char>(e.hi_code))),
        u8(e.store == StoreType::kU8) {
    SKIFF_UNROLL
    for (int v = 0; v < V; ++v) {
      m[v] = _mm512_loadu_ps(e.m + channel + 16 * v);
      b[v] = _mm512_loadu_ps(e.b + channel + 16 * v);
    }
  }

  // For sums of which lane l of vector v are the channels 16 l + 4 v on: a transpose of 4 x 4
  // lanes.
  SKIFF_INLINE void OrderByLanes() {
    static_assert(V == 4);
    TransposeLanes(m);
    TransposeLanes(b);
  }

  // The codes of vector v, whose residuals begin at `from`, as s32.
  template <typename Kind, bool kHalfAway>
  SKIFF_INLINE __m512i Codes(__m512i sums, int v, const char* from) const {
    __m512 y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), m[v], b[v]);
    if constexpr (Kind::kResidual != ResidualType::kNone) {
      const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      const __m512i wide = Kind::kResidual == ResidualType::kU8 ? _mm512_cvtepu8_epi32(codes)
                                                                : _mm512_cvtepi8_epi32(codes);
      y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(wide), mr, y);
    }
    if constexpr (Kind::kHardSwish) y = hard_swish(y);
    if constexpr (!Kind::kClampsCodes) y = _mm512_min_ps(_mm512_max_ps(y, lo), hi);
    return Round<kHalfAway>(y);
  }

  // The bytes of four vectors: lane l holds lane l of each of them.
  template <typename Kind>
  SKIFF_INLINE __m512i Pack(const __m512i (&codes)[4]) const {
    const __m512i first = _mm512_packs_epi32(codes[0], codes[1]);
    const __m512i second = _mm512_packs_epi32(codes[2], codes[3]);
    const __m512i bytes =
        u8 ? _mm512_packus_epi16(first, second) : _mm512_packs_epi16(first, second);
    if constexpr (!Kind::kClampsCodes) return bytes;
    return u8 ? _mm512_min_epu8(bytes, hi_code)
              : _mm512_min_epi8(_mm512_max_epi8(bytes, lo_code), hi_code);
  }
};

// Stores of n bytes. A whole vector is stored without a mask, which takes several times as many
// micro-operations.
SKIFF_INLINE void StoreBytes(__m512i codes, int64_t n, char* dst) {
  if (n == 64) return _mm512_storeu_si512(dst, codes);
  _mm512_mask_storeu_epi8(dst, Bytes(n), codes);
}
SKIFF_INLINE void StoreBytes(__m256i codes, int64_t n, char* dst) {
  if (n == 32) return _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst), codes);
  if (n == 16) {
    return _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), _mm256_castsi256_si128(codes));
  }
  _mm256_mask_storeu_epi8(dst, static_cast<__mmask32>(Bytes(n)), codes);
}
SKIFF_INLINE void StoreBytes(__m128i codes, int64_t n, char* dst) {
  if (n == 16) return _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), codes);
  _mm_mask_storeu_epi8(dst, static_cast<__mmask16>(Bytes(n)), codes);
}

// `count` positions, of which as many as fill a vector of 64 codes are done together.
template <int V, typename Kind, bool kHalfAway>
SKIFF_INLINE void ApplyEpilogueFast(const Epilogue& e, const int32_t* sums, int64_t count,
                                    const EpilogueRows& rows) {
  constexpr int kTogether = 4 / V;
  const FastEpilogue<V> f(e, rows.channel);
  // Dwords after packing: 4 lane + v holds channels 16 v + 4 lane on.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const int64_t n = rows.n;
  const int64_t residual_stride = rows.residual_stride;
  const int64_t dst_stride = rows.dst_stride;
  const char* residual = static_cast<const char*>(rows.residual);
  char* dst = static_cast<char*>(rows.dst);
#pragma GCC unroll 1  // GCC sees that `count` is small
  for (int64_t r = 0; r < count; r += kTogether) {
    __m512i codes[4];
    SKIFF_UNROLL
    for (int i = 0; i < 4; ++i) {
      codes[i] = _mm512_setzero_si512();
      if (i >= kTogether * V) continue;
      const int64_t at = i / V < count - r ? i / V : 0;  // positions past the last: the first again
      const int v = i % V;
      codes[i] = f.template Codes<Kind, kHalfAway>(_mm512_load_si512(sums + 16 * (at * V + v)), v,
                                                   residual + at * residual_stride + 16 * v);
    }
    const __m512i bytes = _mm512_permutexvar_epi32(order, f.template Pack<Kind>(codes));
    if constexpr (kTogether == 1) {
      StoreBytes(bytes, n, dst);
    } else if constexpr (kTogether == 2) {
      StoreBytes(_mm512_castsi512_si256(bytes), n, dst);
      if (r + 1 < count) StoreBytes(_mm512_extracti64x4_epi64(bytes, 1), n, dst + dst_stride);
    } else {
      StoreBytes(_mm512_castsi512_si128(bytes), n, dst);
      if (r + 1 < count) StoreBytes(_mm512_extracti32x4_epi32(bytes, 1), n, dst + dst_stride);
      if (r + 2 < count) StoreBytes(_mm512_extracti32x4_epi32(bytes, 2), n, dst + 2 * dst_stride);
      if (r + 3 < count) StoreBytes(_mm512_extracti32x4_epi32(bytes, 3), n, dst + 3 * dst_stride);
    }
    sums += 16 * V * kTogether;
    residual += kTogether * residual_stride;
    dst += kTogether * dst_stride;
  }
}

template <int V, typename Kind>
SKIFF_INLINE void ApplyEpilogueFast(const Epilogue& e, const int32_t* sums, int64_t count,
                                    const EpilogueRows& rows) {
  if (e.half_away) {
    ApplyEpilogueFast<V, Kind, true>(e, sums, count, rows);
  } else {
    ApplyEpilogueFast<V, Kind, false>(e, sums, count, rows);
  }
}

// The whole epilogue for `count` positions of at most 16 V channels: sums[position][16 V], aligned.
template <int V>
SKIFF_NOINLINE void ApplyEpilogueRows(const Epilogue& e, const int32_t* sums, int64_t count,
                                      const EpilogueRows& rows) {
  if (e.clamps_codes && e.residual == ResidualType::kNone) {
    ApplyEpilogueFast<V, Plain>(e, sums, count, rows);
  } else if (e.clamps_codes && e.residual == ResidualType::kU8) {
    ApplyEpilogueFast<V, Residual<ResidualType::kU8>>(e, sums, count, rows);
  } else if (e.clamps_codes) {
    ApplyEpilogueFast<V, Residual<ResidualType::kS8>>(e, sums, count, rows);
  } else if (e.activation == EpilogueActivation::kHardSwish && e.store != StoreType::kF32 &&
             e.residual == ResidualType::kNone) {
    ApplyEpilogueFast<V, Activated>(e, sums, count, rows);
  } else {
    ApplyEpilogueSlow<V>(e, sums, count, rows);
  }
}

template <typename Kind, bool kHalfAway>
SKIFF_INLINE void ApplyEpilogueByLanes(const Epilogue& e, const int32_t* sums, int64_t count,
                                       const EpilogueRows& rows) {
  FastEpilogue<4> f(e, rows.channel);
  f.OrderByLanes();
  const int64_t n = rows.n;
  const int64_t dst_stride = rows.dst_stride;
  char* dst = static_cast<char*>(rows.dst);
#pragma GCC unroll 1
  for (int64_t r = 0; r < count; ++r, sums += 64, dst += dst_stride) {
    __m512i codes[4];
    SKIFF_UNROLL
    for (int v = 0; v < 4; ++v) {
      codes[v] = f.template Codes<Kind, kHalfAway>(_mm512_load_si512(sums + 16 * v), v, nullptr);
    }
    StoreBytes(f.template Pack<Kind>(codes), n, dst);
  }
}

// Can ApplyEpilogueRowsByLanes do it?
SKIFF_INLINE bool TakesLanes(const Epilogue& e) {
  return e.residual == ResidualType::kNone && e.store != StoreType::kF32 &&
         (e.clamps_codes || e.activation == EpilogueActivation::kHardSwish);
}

// ApplyEpilogueRows<4> for sums of which lane l of vector v are the channels 16 l + 4 v on, as
// unpacking codes leaves them: packing the codes is all it takes to bring them into order.
[[maybe_unused]] SKIFF_NOINLINE void ApplyEpilogueRowsByLanes(const Epilogue& e,
                                                              const int32_t* sums, int64_t count,
                                                              const EpilogueRows& rows) {
  if (e.clamps_codes && !e.half_away) {
    ApplyEpilogueByLanes<Plain, false>(e, sums, count, rows);
  } else if (e.clamps_codes) {
    ApplyEpilogueByLanes<Plain, true>(e, sums, count, rows);
  } else if (!e.half_away) {
    ApplyEpilogueByLanes<Activated, false>(e, sums, count, rows);
  } else {
    ApplyEpilogueByLanes<Activated, true>(e, sums, count, rows);
  }
}

}  // namespace
}  // namespace skiff::kernels::avx512bw
