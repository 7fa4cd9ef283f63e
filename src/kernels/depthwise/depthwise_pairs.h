// Codes widened to s16 and two taps of a channel brought side by side by unpacking, so that one
// multiply-add takes both. For the rungs without vpdpbusd; internal linkage only.
#pragma once

#include "kernels/depthwise/depthwise_window.h"

namespace skiff::kernels {
namespace {

// Ops: a rung's vectors and instructions.
template <typename Ops, bool kUnsigned>
struct Pairs : Finishes<Ops, kUnsigned> {
  using Vector = typename Ops::Vector;
  using Narrow = void;
  static constexpr int kGroup = 2;
  static constexpr int kPositions = 4;
  static constexpr int64_t kBlock = sizeof(Vector) / 2;
  static constexpr int64_t kGroupBytes = 2 * sizeof(Vector);

  // Two taps of every channel, in the halves that unpacking leaves.
  struct Pair {
    Vector low, high;
  };

  template <int P>
  struct Sums {
    Vector acc[P][2];

    SKIFF_INLINE void Clear(const int32_t* /*start*/) {
      SKIFF_UNROLL
      for (int p = 0; p < P; ++p) acc[p][0] = acc[p][1] = Ops::Zero();
    }
    SKIFF_INLINE void Add(int p, const Pair& pair, const char* w) {
      acc[p][0] = Ops::MultiplyAdd(acc[p][0], pair.low, Ops::LoadWeights(w));
      acc[p][1] = Ops::MultiplyAdd(acc[p][1], pair.high, Ops::LoadWeights(w + sizeof(Vector)));
    }
  };

  static SKIFF_INLINE Vector Load(const char* p) { return Ops::template Widen<kUnsigned>(p); }
  static SKIFF_INLINE Pair Interleave(Vector a, Vector b) {
    return {Ops::UnpackLow(a, b), Ops::UnpackHigh(a, b)};
  }

  // Does column x meet a window in an even column of it, where pairs of the last row begin?
  static constexpr bool BeginsPair(int x, int K, int S, int P) {
    for (int p = 0; p < P; ++p) {
      if (x >= p * S && x - p * S < K && (x - p * S) % 2 == 0) return true;
    }
    return false;
  }

  // Does one of `count` rows from `row` on lie in the picture? Low pictures have many that do not.
  static SKIFF_INLINE bool HasInput(const DepthwiseTile& t, int64_t row, int64_t count) {
    return row < t.row_end && row + count > t.row_begin;
  }

  template <int K, int S, int P, typename Taps>
  static SKIFF_INLINE void Sum(const DepthwiseTile& t, const Taps& taps, const char* w,
                               Sums<P>& sums) {
    constexpr int kBands = K / 2;
    SKIFF_UNROLL
    for (int band = 0; band < kBands; ++band) {
      if (!HasInput(t, 2 * band, 2)) continue;
      SumBand<K, S, P>(taps, 2 * band, w + band * K * kGroupBytes, sums);
    }
    if (HasInput(t, K - 1, 1)) SumLastRow<K, S, P>(taps, w + kBands * K * kGroupBytes, sums);
  }

  // Rows y and y + 1, whose taps of one column are a pair.
  template <int K, int S, int P, typename Taps>
  static SKIFF_INLINE void SumBand(const Taps& taps, int y, const char* w, Sums<P>& sums) {
    SKIFF_UNROLL
    for (int x = 0; x < (P - 1) * S + K; ++x) {
      const Pair pair = Interleave(Load(taps.At(y, x)), Load(taps.At(y + 1, x)));
      SKIFF_UNROLL
      for (int p = 0; p < P; ++p) {
        const int column = x - p * S;
        if (column >= 0 && column < K) sums.Add(p, pair, w + column * kGroupBytes);
      }
    }
  }

  // The last row, whose neighbouring taps are a pair.
  template <int K, int S, int P, typename Taps>
  static SKIFF_INLINE void SumLastRow(const Taps& taps, const char* w, Sums<P>& sums) {
    constexpr int kColumns = (P - 1) * S + K;
    SKIFF_UNROLL
    for (int x = 0; x < kColumns; ++x) {
      if (!BeginsPair(x, K, S, P)) continue;
      // The last column of the last window meets weights of zero.
      const Vector a = Load(taps.At(K - 1, x));
      const Vector b = x + 1 < kColumns ? Load(taps.At(K - 1, x + 1)) : a;
      const Pair pair = Interleave(a, b);
      SKIFF_UNROLL
      for (int p = 0; p < P; ++p) {
        const int column = x - p * S;
        if (column < 0 || column >= K || column % 2 != 0) continue;
        sums.Add(p, pair, w + column / 2 * kGroupBytes);
      }
    }
  }

  static SKIFF_INLINE void SumOne(const DepthwiseTile& t, int64_t at, const char* w,
                                  Sums<1>& sums) {
    for (int64_t pair = 0; pair < t.groups; ++pair, w += kGroupBytes) {
      const Vector a = Load(static_cast<const char*>(t.taps[2 * pair]) + at);
      const Vector b = Load(static_cast<const char*>(t.taps[2 * pair + 1]) + at);
      sums.Add(0, Interleave(a, b), w);
    }
  }
};

}  // namespace
}  // namespace skiff::kernels
