#include "kernels/convert/convert_symbols.h"
#include "kernels/epilogue/epilogue_rows_avx512bw.h"

namespace skiff::kernels {
namespace avx512bw {
namespace {

// 16 floats to 16 codes, in vectors of s32.
SKIFF_INLINE __m512i CodesOf(const QuantizeParams& q, __m512 x) {
  const __m512 y = _mm512_mul_ps(x, _mm512_set1_ps(q.multiplier));
  return RoundToCodes(y, _mm512_set1_ps(q.lo), _mm512_set1_ps(q.hi), q.half_away);
}

// 64 floats at a time to 64 codes; how many there were. What is too low, or NaN, becomes the lowest
// number of 32 bits, which Pack clamps.
template <typename Kind>
SKIFF_INLINE int64_t QuantizeWhole(const QuantizeParams& q, const float* src, int64_t n,
                                   uint8_t* dst) {
  const __m512 multiplier = _mm512_set1_ps(q.multiplier);
  const __m512 hi = _mm512_set1_ps(q.hi);
  const __m512 below_half = _mm512_set1_ps(kBelowHalf);
  const __m512i lo_code = _mm512_set1_epi8(static_cast<char>(static_cast<int32_t>(q.lo)));
  const __m512i hi_code = _mm512_set1_epi8(static_cast<char>(static_cast<int32_t>(q.hi)));
  const __m512i order = _mm512_load_si512(kConstants.order);
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    __m512i codes[4];
    SKIFF_UNROLL
    for (int v = 0; v < 4; ++v) {
      const __m512 y = _mm512_mul_ps(_mm512_loadu_ps(src + i + 16 * v), multiplier);
      codes[v] = Codes<Kind>::Round(_mm512_min_ps(hi, y), below_half);  // a NaN stays
    }
    const __m512i bytes = Codes<Kind>::Pack(codes, lo_code, hi_code);
    _mm512_storeu_si512(dst + i, _mm512_permutexvar_epi32(order, bytes));
  }
  return i;
}

template <StoreType kStore>
SKIFF_INLINE int64_t QuantizeWhole(const QuantizeParams& q, const float* src, int64_t n,
                                   uint8_t* dst) {
  return q.half_away ? QuantizeWhole<KindOf<kStore, ResidualType::kNone, true>>(q, src, n, dst)
                     : QuantizeWhole<KindOf<kStore, ResidualType::kNone, false>>(q, src, n, dst);
}

SKIFF_INLINE __m512i Widen(bool is_unsigned, __m128i codes) {
  return is_unsigned ? _mm512_cvtepu8_epi32(codes) : _mm512_cvtepi8_epi32(codes);
}

SKIFF_INLINE __m512i Widen16(bool is_unsigned, __m256i codes) {
  return is_unsigned ? _mm512_cvtepu8_epi16(codes) : _mm512_cvtepi8_epi16(codes);
}

}  // namespace
}  // namespace avx512bw

void quantize_f32_avx512bw(const QuantizeParams& params, const float* src, int64_t n, void* dst) {
  const QuantizeParams q = params;  // a copy: stores to dst cannot change it
  auto* out = static_cast<uint8_t*>(dst);
  int64_t i = 0;
  if (q.lo == 0) {
    i = avx512bw::QuantizeWhole<StoreType::kU8>(q, src, n, out);
  } else if (q.lo < 0) {
    i = avx512bw::QuantizeWhole<StoreType::kS8>(q, src, n, out);
  }
  for (; i < n; i += 16) {
    const __mmask16 lanes = avx512bw::Lanes(n - i);
    const __m512i codes = avx512bw::CodesOf(q, _mm512_maskz_loadu_ps(lanes, src + i));
    _mm_mask_storeu_epi8(out + i, lanes, _mm512_cvtepi32_epi8(codes));
  }
}

void dequantize_f32_avx512bw(float step, bool is_unsigned, const void* src, int64_t n, float* dst) {
  const auto* codes = static_cast<const uint8_t*>(src);
  const __m512 factor = _mm512_set1_ps(step);
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = avx512bw::Lanes(n - i);
    const __m512i wide = avx512bw::Widen(is_unsigned, _mm_maskz_loadu_epi8(lanes, codes + i));
    _mm512_mask_storeu_ps(dst + i, lanes, _mm512_mul_ps(_mm512_cvtepi32_ps(wide), factor));
  }
}

void widen_s16_avx512bw(bool is_unsigned, const void* src, int64_t n, int16_t* dst) {
  const auto* codes = static_cast<const uint8_t*>(src);
  for (int64_t i = 0; i < n; i += 32) {
    const auto lanes = static_cast<__mmask32>(avx512bw::Bytes(n - i));
    const __m256i bytes = _mm256_maskz_loadu_epi8(lanes, codes + i);
    _mm512_mask_storeu_epi16(dst + i, lanes, avx512bw::Widen16(is_unsigned, bytes));
  }
}

}  // namespace skiff::kernels
