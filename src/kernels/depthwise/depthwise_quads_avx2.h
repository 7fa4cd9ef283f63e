// What the Ops (depthwise_quads.h) of 256 bits have in common. Internal linkage only.
#pragma once

#include <immintrin.h>

#include "kernels/depthwise/depthwise_quads.h"

namespace skiff::kernels {
namespace {

struct QuadOpsAvx2 {
  using Vector = __m256i;

  static SKIFF_INLINE __m256i Zero() { return _mm256_setzero_si256(); }
  static SKIFF_INLINE __m256i Load(const char* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static SKIFF_INLINE __m256i LoadWeights(const char* w) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(w));
  }
  static SKIFF_INLINE __m256i FlipSigns(__m256i x) {
    return _mm256_xor_si256(x, _mm256_set1_epi8(-128));
  }
  static SKIFF_INLINE __m256i UnpackLow8(__m256i a, __m256i b) {
    return _mm256_unpacklo_epi8(a, b);
  }
  static SKIFF_INLINE __m256i UnpackHigh8(__m256i a, __m256i b) {
    return _mm256_unpackhi_epi8(a, b);
  }
  static SKIFF_INLINE __m256i UnpackLow16(__m256i a, __m256i b) {
    return _mm256_unpacklo_epi16(a, b);
  }
  static SKIFF_INLINE __m256i UnpackHigh16(__m256i a, __m256i b) {
    return _mm256_unpackhi_epi16(a, b);
  }
};

}  // namespace
}  // namespace skiff::kernels
