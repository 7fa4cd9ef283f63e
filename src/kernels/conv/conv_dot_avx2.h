// What the Dots (conv_panel.h) of 256-bit rungs have in common. Internal linkage only.
#pragma once

#include "kernels/conv/conv_panel.h"
#include "kernels/epilogue/epilogue_rows_avx2.h"

namespace skiff::kernels {
namespace {

struct Dot256 {
  using Vector = __m256i;
  static constexpr int kVectors = 2;
  static constexpr bool kPreAdd = false;

  static SKIFF_INLINE __m256i Load(const char* w, int v) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(w) + v);
  }
  static SKIFF_INLINE __m256i Broadcast(const char* x) {
    int32_t four;  // x has any alignment
    __builtin_memcpy(&four, x, sizeof(four));
    return _mm256_set1_epi32(four);
  }
  static SKIFF_INLINE __m256i Start(const int32_t* /*start*/, int /*v*/) {
    return _mm256_setzero_si256();
  }

  template <int R, int V>
  static SKIFF_INLINE void Finish(const ConvTile& t, int64_t first, const __m256i (&acc)[R][2]) {
    EpilogueRows out;
    out.channel = t.channel;
    out.n = t.channel_count;
    out.residual = static_cast<const char*>(t.residual) + first * t.residual_stride;
    out.residual_stride = t.residual_stride;
    out.dst = static_cast<char*>(t.dst) + first * t.dst_stride;
    out.dst_stride = t.dst_stride;
    avx2::ApplyEpilogueRows<R, V>(*t.epilogue, acc, out);
  }
};

}  // namespace
}  // namespace skiff::kernels
