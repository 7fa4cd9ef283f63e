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

// As assembly: not every CPU of this rung has it, and the file is compiled for all of them.
void DotBf16(int64_t steps) {
  __m512i a = _mm512_set1_epi16(0x3f80);
  __m512i sums[kSums] = {};
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) __asm__("vdpbf16ps %1, %1, %0" : "+v"(sums[i]) : "v"(a));
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) __asm__ volatile("" : "+v"(sums[i]));
}

constexpr Chain kChains[] = {{"int8", "vpdpbusd zmm", kSums * 64, Dot},
                             {"bf16", "vdpbf16ps zmm", kSums * 32, DotBf16}};

}  // namespace

Chains All() { return {kChains, __builtin_cpu_supports("avx512bf16") != 0 ? 2U : 1U}; }

}  // namespace skiff::bench::avx512_vnni
