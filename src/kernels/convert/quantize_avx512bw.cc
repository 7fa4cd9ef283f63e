#include "kernels/convert/convert_symbols.h"
#include "kernels/epilogue/epilogue_avx512bw.h"

namespace skiff::kernels {
namespace avx512bw {
namespace {

// 16 floats to 16 codes, in vectors of s32.
SKIFF_INLINE __m512i Codes(const QuantizeParams& q, __m512 x) {
  const __m512 y = _mm512_mul_ps(x, _mm512_set1_ps(q.multiplier));
  return RoundToCodes(y, _mm512_set1_ps(q.lo), _mm512_set1_ps(q.hi), q.half_away);
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
  for (; i + 64 <= n; i += 64) {
    SKIFF_UNROLL
    for (int64_t j = i; j < i + 64; j += 16) {
      const __m512i codes = avx512bw::Codes(q, _mm512_loadu_ps(src + j));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + j), _mm512_cvtepi32_epi8(codes));
    }
  }
  for (; i < n; i += 16) {
    const __mmask16 lanes = avx512bw::Lanes(n - i);
    const __m512i codes = avx512bw::Codes(q, _mm512_maskz_loadu_ps(lanes, src + i));
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
