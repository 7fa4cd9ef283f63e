// The kernels of conv_avx_vnni.cc with vectors of twice the width and a larger tile.
#include "kernels/conv/conv_dot_avx512bw.h"
#include "kernels/conv/conv_symbols.h"
#include "kernels/epilogue/epilogue_rows_avx512bw.h"

namespace skiff::kernels {
namespace {

struct DotU8 : Dot512 {
  // Twelve positions of two vectors need more pointers than there are registers: their loads and
  // the loads of inputs take longer than the products.
  static constexpr int kTileRows = kRows;
  static constexpr int kTallRows = kRows;

  static constexpr bool kFetches = true;
  static constexpr bool kStarts = true;

  template <typename Kind>
  struct CodesFinish {
    template <int R, int V>
    static SKIFF_INLINE void Finish(const ConvTile& t, int64_t first, const __m512i (&acc)[R][4]) {
      avx512bw::StoreInOrder<Kind, R, V>(avx512bw::ReadHere(*t.epilogue), acc, RowsFrom(t, first));
    }
  };
  // Between the products of the next tile, whose units they leave idle. It takes more instructions:
  // tiles of few steps lose by it.
  static constexpr int64_t kLaterSteps = 128;
  template <typename Kind>
  struct CodesFinishLater {
    static constexpr bool kDefers = true;

    static SKIFF_INLINE void FinishOne(const ConvTile& t, const __m512i (&sums)[4],
                                       const EpilogueRows& rows) {
      const __m512i acc[1][4] = {{sums[0], sums[1], sums[2], sums[3]}};
      avx512bw::StoreInOrder<Kind, 1, 4>(avx512bw::ReadHere(*t.epilogue), acc, rows);
    }
  };
  struct FloatsFinish {
    template <int R, int V>
    static SKIFF_INLINE void Finish(const ConvTile& t, int64_t first, const __m512i (&acc)[R][4]) {
      avx512bw::StoreFloats<R, V>(avx512bw::ReadHere(*t.epilogue), acc, RowsFrom(t, first));
    }
  };

  // Panels that fill their vectors and whose epilogue is one that is compiled for.
  template <int V, bool kMayFinishLater = true, typename Run>
  static SKIFF_INLINE void ForFinish(const ConvTile& t, Run run) {
    const Epilogue& e = *t.epilogue;
    const auto with = [&]<typename Kind>(Kind) { run(CodesFinish<Kind>()); };
    const auto later = [&]<typename Kind>(Kind) { run(CodesFinishLater<Kind>()); };
    if (t.channel_count == 16 * V) {
      if constexpr (V == 4) {
        if constexpr (kMayFinishLater) {
          if (t.taps * t.steps >= kLaterSteps && ForPlainU8(e, later)) return;
        }
        if (ForCodes(e, with)) return;
        if (LeavesClampedFloats(e)) return run(FloatsFinish());
      } else {
        if (ForPlainCodes(e, with)) return;
      }
    }
    run(AnyFinish());
  }

  static SKIFF_INLINE __m512i Start(const int32_t* /*start*/, int /*v*/) {
    return _mm512_setzero_si512();
  }
  static SKIFF_INLINE __m512i Add(__m512i acc, __m512i x, __m512i w) {
    return _mm512_dpbusd_epi32(acc, x, w);
  }
};

struct DotS8 : DotU8 {
  static constexpr bool kStartsFromAll = true;

  // Nets read signed codes where there are few steps.
  template <int V, typename Run>
  static SKIFF_INLINE void ForFinish(const ConvTile& t, Run run) {
    DotU8::ForFinish<V, false>(t, run);
  }

  static SKIFF_INLINE __m512i Broadcast(const char* x) {
    return _mm512_xor_si512(DotU8::Broadcast(x), _mm512_set1_epi8(-128));
  }
  static SKIFF_INLINE __m512i Start(const int32_t* start, int v) {
    return _mm512_loadu_si512(start + 16 * v);
  }
};

}  // namespace

void conv_u8s8_6x64_avx512_vnni(const ConvTile& tile) { RunConv<DotU8>(tile); }
void conv_s8s8_6x64_avx512_vnni(const ConvTile& tile) { RunConv<DotS8>(tile); }

}  // namespace skiff::kernels
