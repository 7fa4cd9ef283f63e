#include "kernels/convert/convert_symbols.h"
#include "kernels/epilogue/epilogue_avx2.h"

namespace skiff::kernels {
namespace avx2 {
namespace {

SKIFF_INLINE __m256i Codes(const QuantizeParams& q, const float* src) {
  const __m256 y = _mm256_mul_ps(_mm256_loadu_ps(src), _mm256_set1_ps(q.multiplier));
  return RoundToCodes(y, {_mm256_set1_ps(q.lo), _mm256_set1_ps(q.hi)}, q.half_away);
}

// 16 floats to 16 bytes: the codes already fit, so their low bytes are gathered.
SKIFF_INLINE __m128i Bytes(const QuantizeParams& q, const float* src) {
  const __m256i low = _mm256_and_si256(Codes(q, src), _mm256_set1_epi32(0xff));
  const __m256i high = _mm256_and_si256(Codes(q, src + 8), _mm256_set1_epi32(0xff));
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xd8);
  return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

// 32 floats to 32 bytes.
SKIFF_INLINE void StoreCodes32(const QuantizeParams& q, const float* src, uint8_t* dst) {
  const __m256i byte = _mm256_set1_epi16(0xff);
  const __m256i low = _mm256_packs_epi32(Codes(q, src), Codes(q, src + 8));
  const __m256i high = _mm256_packs_epi32(Codes(q, src + 16), Codes(q, src + 24));
  // Dwords: 0, 8, 16, 24 | 4, 12, 20, 28.
  const __m256i bytes =
      _mm256_packus_epi16(_mm256_and_si256(low, byte), _mm256_and_si256(high, byte));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst), _mm256_permutevar8x32_epi32(bytes, order));
}

SKIFF_INLINE __m256 Floats(bool is_unsigned, const uint8_t* src, __m256 step) {
  const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(src));
  const __m256i wide = is_unsigned ? _mm256_cvtepu8_epi32(codes) : _mm256_cvtepi8_epi32(codes);
  return _mm256_mul_ps(_mm256_cvtepi32_ps(wide), step);
}

}  // namespace
}  // namespace avx2

void quantize_f32_avx2(const QuantizeParams& parameters, const float* src, int64_t n, void* dst) {
  const QuantizeParams params = parameters;  // a copy: stores to dst cannot change it
  auto* out = static_cast<uint8_t*>(dst);
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) avx2::StoreCodes32(params, src + i, out + i);
  for (; i + 16 <= n; i += 16) avx2::StoreBytes(avx2::Bytes(params, src + i), 16, out + i);
  if (i == n) return;
  alignas(32) float rest[16] = {};
  for (int64_t j = i; j < n; ++j) rest[j - i] = src[j];
  avx2::StoreBytes(avx2::Bytes(params, rest), n - i, out + i);
}

void dequantize_f32_avx2(float step, bool is_unsigned, const void* src, int64_t n, float* dst) {
  const auto* codes = static_cast<const uint8_t*>(src);
  const __m256 factor = _mm256_set1_ps(step);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    _mm256_storeu_ps(dst + i, avx2::Floats(is_unsigned, codes + i, factor));
  }
  if (i == n) return;
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int32_t>(n - i)), lanes);
  _mm256_maskstore_ps(dst + i, mask, avx2::Floats(is_unsigned, codes + i, factor));
}

void widen_s16_avx2(bool is_unsigned, const void* src, int64_t n, int16_t* dst) {
  const auto* codes = static_cast<const uint8_t*>(src);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i));
    const __m256i wide = is_unsigned ? _mm256_cvtepu8_epi16(bytes) : _mm256_cvtepi8_epi16(bytes);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + i), wide);
  }
  for (; i < n; ++i) {
    dst[i] = is_unsigned ? int16_t{codes[i]} : int16_t{static_cast<int8_t>(codes[i])};
  }
}

}  // namespace skiff::kernels
