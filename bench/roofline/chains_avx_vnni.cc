#include <immintrin.h>

#include "roofline/chains.h"

namespace skiff::bench::avx_vnni {
namespace {

constexpr int kSums = 12;

void Dot(int64_t steps) {
  __m256i a = _mm256_set1_epi8(1);
  __m256i sums[kSums] = {};
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) {
      __asm__ volatile("" : "+x"(a));  // else all sums are one
      sums[i] = _mm256_dpbusd_avx_epi32(sums[i], a, a);
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < kSums; ++i) __asm__ volatile("" : "+x"(sums[i]));
}

constexpr Chain kChains[] = {{"int8", "vpdpbusd ymm", kSums * 32, Dot}};

}  // namespace

Chains All() { return {kChains, sizeof(kChains) / sizeof(kChains[0])}; }

}  // namespace skiff::bench::avx_vnni
