// What the Dots (conv_panel.h) of 512-bit rungs have in common: panels of 64 channels, 24 of the 32
// registers full of sums. Internal linkage only.
#pragma once

#include "kernels/conv/conv_panel.h"
#include "kernels/epilogue/epilogue_avx512bw.h"

namespace skiff::kernels {
namespace {

struct Dot512 {
  using Vector = __m512i;
  static constexpr int kVectors = 4;
  static constexpr int kTileRows = 12;
  static constexpr int kRows = 6;
  static constexpr int kTallRows = 12;
  static constexpr bool kFetches = true;
  static constexpr bool kPreAdd = false;
  static constexpr bool kStarts = false;
  static constexpr bool kStartsFromAll = false;
  static constexpr bool kAddsRows = false;

  static SKIFF_INLINE __m512i Load(const char* w, int v) {
    return _mm512_load_si512(reinterpret_cast<const __m512i*>(w) + v);
  }
  static SKIFF_INLINE __m512i Broadcast(const char* x) {
    int32_t four;  // x has any alignment
    __builtin_memcpy(&four, x, sizeof(four));
    return _mm512_set1_epi32(four);
  }
  static SKIFF_INLINE __m512i Plus(__m512i acc, __m512i product) {
    return _mm512_add_epi32(acc, product);
  }

  struct AnyFinish {
    template <int R, int V>
    static SKIFF_INLINE void Finish(const ConvTile& t, int64_t first, const __m512i (&acc)[R][4]) {
      alignas(64) int32_t sums[R][16 * V];
      SKIFF_UNROLL
      for (int r = 0; r < R; ++r) {
        SKIFF_UNROLL
        for (int v = 0; v < V; ++v) _mm512_store_si512(sums[r] + 16 * v, acc[r][v]);
      }
      avx512bw::ApplyEpilogueRows<V>(*t.epilogue, sums[0], R, RowsFrom(t, first));
    }
  };
  template <int V, typename Run>
  static SKIFF_INLINE void ForFinish(const ConvTile& /*t*/, Run run) {
    run(AnyFinish());
  }
};

}  // namespace
}  // namespace skiff::kernels
