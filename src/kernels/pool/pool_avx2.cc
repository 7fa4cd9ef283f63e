#include <immintrin.h>

#include <cfloat>
#include <cstdint>

#include "kernels/epilogue/epilogue_avx2.h"
#include "kernels/pool/pool_pixels.h"
#include "kernels/pool/pool_symbols.h"

namespace skiff::kernels {
namespace avx2 {
namespace {

SKIFF_INLINE __m256i LoadBytes(const char* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

template <bool kUnsigned>
void MaxCodes(const PoolWindow& w) {
  auto* dst = static_cast<uint8_t*>(w.dst);
  for (int64_t c = 0; c < w.channels; c += 32) {
    __m256i best = _mm256_set1_epi8(kUnsigned ? 0 : -128);
    ForPixels(w, c, [&](const char* p) {
      best = kUnsigned ? _mm256_max_epu8(best, LoadBytes(p)) : _mm256_max_epi8(best, LoadBytes(p));
    });
    const int64_t left = w.channels - c;
    StoreBytes(_mm256_castsi256_si128(best), left < 16 ? left : 16, dst + c);
    if (left > 16) {
      StoreBytes(_mm256_extracti128_si256(best, 1), left < 32 ? left - 16 : 16, dst + c + 16);
    }
  }
}

SKIFF_INLINE void StoreLanes(__m256 v, int64_t left, float* dst) {
  if (left >= 8) {
    _mm256_storeu_ps(dst, v);
    return;
  }
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int32_t>(left)), lanes);
  _mm256_maskstore_ps(dst, mask, v);
}

SKIFF_INLINE __m256 LoadFloats(const char* p) {
  return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
}

// 16 channels of codes, summed in s32.
template <bool kUnsigned>
void AverageCodes(const PoolWindow& w) {
  Epilogue e;
  e.store = w.store;
  e.lo = w.store == StoreType::kF32 ? -__builtin_inff() : w.lo;
  e.hi = w.store == StoreType::kF32 ? __builtin_inff() : w.hi;
  e.half_away = w.half_away;
  const __m256 multiplier = _mm256_set1_ps(w.multiplier);
  for (int64_t c = 0; c < w.channels; c += 16) {
    __m256i sum0 = _mm256_setzero_si256();
    __m256i sum1 = _mm256_setzero_si256();
    ForPixels(w, c, [&](const char* p) {
      const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
      const __m128i high = _mm_srli_si128(codes, 8);
      sum0 = _mm256_add_epi32(
          sum0, kUnsigned ? _mm256_cvtepu8_epi32(codes) : _mm256_cvtepi8_epi32(codes));
      sum1 = _mm256_add_epi32(sum1,
                              kUnsigned ? _mm256_cvtepu8_epi32(high) : _mm256_cvtepi8_epi32(high));
    });
    const int64_t left = w.channels - c;
    FinishChannels(e, _mm256_mul_ps(_mm256_cvtepi32_ps(sum0), multiplier),
                   _mm256_mul_ps(_mm256_cvtepi32_ps(sum1), multiplier), left < 16 ? left : 16,
                   nullptr, static_cast<char*>(w.dst) + c * ElementBytes(w.store));
  }
}

}  // namespace
}  // namespace avx2

void pool_max_u8_avx2(const PoolWindow& w) { avx2::MaxCodes<true>(w); }
void pool_max_s8_avx2(const PoolWindow& w) { avx2::MaxCodes<false>(w); }

void pool_max_f32_avx2(const PoolWindow& w) {
  for (int64_t c = 0; c < w.channels; c += 8) {
    __m256 best = _mm256_set1_ps(-FLT_MAX);
    // maxps gives its second operand for a NaN in the first.
    ForPixels(w, c * 4, [&](const char* p) { best = _mm256_max_ps(avx2::LoadFloats(p), best); });
    avx2::StoreLanes(best, w.channels - c, static_cast<float*>(w.dst) + c);
  }
}

void pool_average_f32_avx2(const PoolWindow& w) {
  const __m256 divisor = _mm256_set1_ps(w.divisor);
  for (int64_t c = 0; c < w.channels; c += 8) {
    __m256 sum = _mm256_setzero_ps();
    ForPixels(w, c * 4, [&](const char* p) { sum = _mm256_add_ps(sum, avx2::LoadFloats(p)); });
    avx2::StoreLanes(_mm256_div_ps(sum, divisor), w.channels - c, static_cast<float*>(w.dst) + c);
  }
}

void pool_average_codes_avx2(const PoolWindow& w) {
  if (w.src_is_unsigned) {
    avx2::AverageCodes<true>(w);
  } else {
    avx2::AverageCodes<false>(w);
  }
}

}  // namespace skiff::kernels
