#include <cfloat>
#include <cstdint>

#include "kernels/epilogue/epilogue_avx512bw.h"
#include "kernels/pool/pool_pixels.h"
#include "kernels/pool/pool_symbols.h"

namespace skiff::kernels {
namespace avx512bw {
namespace {

template <bool kUnsigned>
void MaxCodes(const PoolWindow& w) {
  auto* dst = static_cast<uint8_t*>(w.dst);
  for (int64_t c = 0; c < w.channels; c += 64) {
    const __mmask64 bytes = Bytes(w.channels - c);
    __m512i best = _mm512_set1_epi8(kUnsigned ? 0 : -128);
    ForPixels(w, c, [&](const char* p) {
      const __m512i codes = _mm512_maskz_loadu_epi8(bytes, p);
      best = kUnsigned ? _mm512_max_epu8(best, codes) : _mm512_max_epi8(best, codes);
    });
    _mm512_mask_storeu_epi8(dst + c, bytes, best);
  }
}

SKIFF_INLINE __m512 LoadFloats(const char* p, __mmask16 lanes) {
  return _mm512_maskz_loadu_ps(lanes, p);
}

// 16 channels of codes, summed in s32.
template <bool kUnsigned>
void AverageCodes(const PoolWindow& w) {
  Epilogue e;
  e.store = w.store;
  e.lo = w.store == StoreType::kF32 ? -__builtin_inff() : w.lo;
  e.hi = w.store == StoreType::kF32 ? __builtin_inff() : w.hi;
  e.half_away = w.half_away;
  for (int64_t c = 0; c < w.channels; c += 16) {
    const __mmask16 lanes = Lanes(w.channels - c);
    __m512i sum = _mm512_setzero_si512();
    ForPixels(w, c, [&](const char* p) {
      const __m128i codes = _mm_maskz_loadu_epi8(lanes, p);
      sum = _mm512_add_epi32(sum,
                             kUnsigned ? _mm512_cvtepu8_epi32(codes) : _mm512_cvtepi8_epi32(codes));
    });
    const __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(w.multiplier));
    FinishChannels(e, y, lanes, nullptr, c, w.dst);
  }
}

}  // namespace
}  // namespace avx512bw

void pool_max_u8_avx512bw(const PoolWindow& w) { avx512bw::MaxCodes<true>(w); }
void pool_max_s8_avx512bw(const PoolWindow& w) { avx512bw::MaxCodes<false>(w); }

void pool_max_f32_avx512bw(const PoolWindow& w) {
  for (int64_t c = 0; c < w.channels; c += 16) {
    const __mmask16 lanes = avx512bw::Lanes(w.channels - c);
    __m512 best = _mm512_set1_ps(-FLT_MAX);
    // maxps gives its second operand for a NaN in the first.
    ForPixels(w, c * 4,
              [&](const char* p) { best = _mm512_max_ps(avx512bw::LoadFloats(p, lanes), best); });
    _mm512_mask_storeu_ps(static_cast<float*>(w.dst) + c, lanes, best);
  }
}

void pool_average_f32_avx512bw(const PoolWindow& w) {
  for (int64_t c = 0; c < w.channels; c += 16) {
    const __mmask16 lanes = avx512bw::Lanes(w.channels - c);
    __m512 sum = _mm512_setzero_ps();
    ForPixels(w, c * 4,
              [&](const char* p) { sum = _mm512_add_ps(sum, avx512bw::LoadFloats(p, lanes)); });
    const __m512 average = _mm512_div_ps(sum, _mm512_set1_ps(w.divisor));
    _mm512_mask_storeu_ps(static_cast<float*>(w.dst) + c, lanes, average);
  }
}

void pool_average_codes_avx512bw(const PoolWindow& w) {
  if (w.src_is_unsigned) {
    avx512bw::AverageCodes<true>(w);
  } else {
    avx512bw::AverageCodes<false>(w);
  }
}

}  // namespace skiff::kernels
