// The kernels of conv_avx_vnni.cc with vectors of twice the width and a larger tile.
#include "kernels/conv/conv_dot_avx512bw.h"
#include "kernels/conv/conv_overlap.h"
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
  struct FloatsFinish {
    template <int R, int V>
    static SKIFF_INLINE void Finish(const ConvTile& t, int64_t first, const __m512i (&acc)[R][4]) {
      avx512bw::StoreFloats<R, V>(avx512bw::ReadHere(*t.epilogue), acc, RowsFrom(t, first));
    }
  };

  // Panels that fill their vectors and whose epilogue is one that is compiled for.
  template <int V, typename Run>
  static SKIFF_INLINE void ForFinish(const ConvTile& t, Run run) {
    const auto with = [&]<typename Kind>(Kind) { run(CodesFinish<Kind>()); };
    if (t.channel_count == 16 * V) {
      if constexpr (V == 4) {
        if (ForCodes(*t.epilogue, with)) return;
        if (LeavesClampedFloats(*t.epilogue)) return run(FloatsFinish());
      } else {
        if (ForPlainCodes(*t.epilogue, with)) return;
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

  static SKIFF_INLINE __m512i Broadcast(const char* x) {
    return _mm512_xor_si512(DotU8::Broadcast(x), _mm512_set1_epi8(-128));
  }
  static SKIFF_INLINE __m512i Start(const int32_t* start, int v) {
    return _mm512_loadu_si512(start + 16 * v);
  }
};

// The epilogues that most layers of 64 channels have.
template <typename Dot, typename Run>
SKIFF_INLINE bool ForUsual(const Epilogue& e, Run run) {
  if (ForPlainU8(e, run)) return true;
  if constexpr (Dot::kStartsFromAll) {
    return false;
  } else {
    return ForU8Residual(e, run);
  }
}

template <typename Dot>
void Run(const ConvTile& t) {
  const auto overlapped = [&]<typename Kind>(Kind) {
    OverlappedTiles<Dot, typename Dot::template CodesFinish<Kind>>::Run(t);
  };
  const bool whole = t.channel_count == 16 * Dot::kVectors;
  if (whole && TakesOverlapped<Dot>(t) && ForUsual<Dot>(*t.epilogue, overlapped)) return;
  RunConv<Dot>(t);
}

}  // namespace

void conv_u8s8_6x64_avx512_vnni(const ConvTile& tile) { Run<DotU8>(tile); }
void conv_s8s8_6x64_avx512_vnni(const ConvTile& tile) { Run<DotS8>(tile); }

}  // namespace skiff::kernels
