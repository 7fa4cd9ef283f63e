#include <immintrin.h>

#include "roofline/chains.h"

namespace skiff::bench::avx512_vnni {
namespace {

constexpr int kSums = 16;

void Dot(int64_t steps) {
  __m512i a = _mm512_set1_epi8(1);
  __m512i sums[kSums] = {};
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) {
      __asm__ volatile("" : "+v"(a));  // else all sums are one
      sums[i] = _mm512_dpbusd_epi32(sums[i], a, a);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) __asm__ volatile("" : "+v"(sums[i]));
}

constexpr Chain kChains[] = {{"int8", "vpdpbusd zmm", kSums * 64, Dot}};

}  // namespace

Chains All() { return {kChains, sizeof(kChains) / sizeof(kChains[0])}; }

}  // namespace skiff::bench::avx512_vnni
