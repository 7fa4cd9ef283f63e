#include <immintrin.h>

#include "roofline/chains.h"

// The compiler must take the value for a new one: else it would multiply once and reuse the
// product.
#define SKIFF_OPAQUE(v) __asm__ volatile("" : "+v"(v))

namespace skiff::bench::avx512bw {
namespace {

constexpr int kSums = 16;
constexpr int kPreaddedSums = 16;

void Fma(int64_t steps) {
  __m512 a = _mm512_set1_ps(0.5F);
  const __m512 b = a;
  __m512 sums[kSums] = {};
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) {
      SKIFF_OPAQUE(a);
      sums[i] = _mm512_fmadd_ps(a, b, sums[i]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) SKIFF_OPAQUE(sums[i]);
}

void Maddubs(int64_t steps) {
  __m512i a = _mm512_set1_epi8(1);
  const __m512i b = a;
  const __m512i ones = _mm512_set1_epi16(1);
  __m512i sums[kSums] = {};
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) {
      SKIFF_OPAQUE(a);
      const __m512i pairs = _mm512_maddubs_epi16(a, b);
      sums[i] = _mm512_add_epi32(sums[i], _mm512_madd_epi16(pairs, ones));
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) SKIFF_OPAQUE(sums[i]);
}

// Two products of pairs are added in s16 before they are widened. Two sums side by side: alone, an
// addition more often takes the place of a multiplication.
void Preadded(int64_t steps) {
  __m512i a = _mm512_set1_epi8(1);
  const __m512i b = a;
  const __m512i ones = _mm512_set1_epi16(1);
  __m512i sums[kPreaddedSums] = {};
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 16
    for (int i = 0; i < kPreaddedSums; i += 2) {
      __m512i pairs[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        SKIFF_OPAQUE(a);
        pairs[j] = _mm512_maddubs_epi16(a, b);
        SKIFF_OPAQUE(pairs[j]);
      }
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j) {
        pairs[j] = _mm512_madd_epi16(_mm512_add_epi16(pairs[j], pairs[j + 2]), ones);
        SKIFF_OPAQUE(pairs[j]);
      }
      sums[i] = _mm512_add_epi32(sums[i], pairs[0]);
      sums[i + 1] = _mm512_add_epi32(sums[i + 1], pairs[1]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kPreaddedSums; ++i) SKIFF_OPAQUE(sums[i]);
}

void Widened(int64_t steps) {
  __m512i a = _mm512_set1_epi16(1);
  const __m512i b = a;
  __m512i sums[kSums] = {};
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) {
      SKIFF_OPAQUE(a);
      sums[i] = _mm512_add_epi32(sums[i], _mm512_madd_epi16(a, b));
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) SKIFF_OPAQUE(sums[i]);
}

constexpr Chain kChains[] = {
    {"fp32", "vfmadd zmm", kSums * 16, Fma},
    {"int8", "vpmaddubsw vpmaddwd vpaddd, zmm", kSums * 64, Maddubs},
    {"int8", "2 vpmaddubsw vpaddw vpmaddwd vpaddd, zmm", kPreaddedSums * 128, Preadded},
    {"int8 signed", "vpmaddwd vpaddd, zmm", kSums * 32, Widened},
};

}  // namespace

Chains All() { return {kChains, sizeof(kChains) / sizeof(kChains[0])}; }

void Read(const void* data, size_t bytes) {
  const __m512i* p = static_cast<const __m512i*>(data);
  const __m512i* const end = p + bytes / sizeof(__m512i);
  __m512i sums[8] = {};
  for (; p < end; p += 8) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) sums[i] = _mm512_or_si512(sums[i], p[i]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) SKIFF_OPAQUE(sums[i]);
}

}  // namespace skiff::bench::avx512bw
