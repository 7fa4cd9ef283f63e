// What the Dots (conv_panel.h) of 256-bit rungs have in common. Internal linkage only.
#pragma once

#include "kernels/conv/conv_panel.h"
#include "kernels/epilogue/epilogue_rows_avx2.h"

namespace skiff::kernels {
namespace {

struct Dot256 {
  using Vector = __m256i;
  static constexpr int kVectors = 2;
  static constexpr bool kFetches = false;
  static constexpr bool kPreAdd = false;
  static constexpr bool kStarts = false;
  static constexpr bool kStartsFromAll = false;
  static constexpr bool kAddsRows = false;

  static SKIFF_INLINE __m256i Load(const char* w, int v) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(w) + v);
  }
  static SKIFF_INLINE __m256i Broadcast(const char* x) {
    int32_t four;  // x has any alignment
    __builtin_memcpy(&four, x, sizeof(four));
    return _mm256_set1_epi32(four);
  }
  static SKIFF_INLINE __m256i Plus(__m256i acc, __m256i product) {
    return _mm256_add_epi32(acc, product);
  }

  struct AnyFinish {
    template <int R, int V>
    static SKIFF_INLINE void Finish(const ConvTile& t, int64_t first, const __m256i (&acc)[R][2]) {
      avx2::FinishAny<R, V>(*t.epilogue, acc, RowsFrom(t, first));
    }
  };
  template <typename Kind>
  struct CodesFinish {
    template <int R, int V>
    static SKIFF_INLINE void Finish(const ConvTile& t, int64_t first, const __m256i (&acc)[R][2]) {
      if constexpr (V == 2) {
        avx2::StoreWide<Kind, avx2::InOrder>(*t.epilogue, acc, RowsFrom(t, first));
      } else {
        avx2::StoreNarrow<Kind>(*t.epilogue, acc, RowsFrom(t, first));
      }
    }
  };
  struct FloatsFinish {
    template <int R, int V>
    static SKIFF_INLINE void Finish(const ConvTile& t, int64_t first, const __m256i (&acc)[R][2]) {
      avx2::StoreWideFloats(*t.epilogue, acc, RowsFrom(t, first));
    }
  };

  // Whole panels and whole halves of them, whose epilogue is one that is compiled for.
  template <int V, typename Run>
  static SKIFF_INLINE void ForFinish(const ConvTile& t, Run run) {
    const Epilogue& e = *t.epilogue;
    const auto with = [&]<typename Kind>(Kind) { run(CodesFinish<Kind>()); };
    const bool whole = t.channel_count == 8 * V;
    if constexpr (V == 2) {
      if (whole && ForCodes(e, with)) return;
      if (whole && LeavesClampedFloats(e)) return run(FloatsFinish());
    } else {
      if (whole && ForPlainCodes(e, with)) return;
    }
    run(AnyFinish());
  }
};

}  // namespace
}  // namespace skiff::kernels
