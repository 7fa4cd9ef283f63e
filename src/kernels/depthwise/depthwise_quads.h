// Four taps of a channel brought side by side by unpacking bytes and then words, so that one
// vpdpbusd takes them all. Signed codes are read as code + 128; their sums start from what that
// adds, negated. Internal linkage only.
#pragma once

#include "kernels/depthwise/depthwise_window.h"

namespace skiff::kernels {
namespace {

// Ops: a rung's vectors and instructions. A narrow one takes the first bytes of vectors of weights
// that are kVectorBytes long.
template <typename Ops, bool kUnsigned>
struct Quads : Finishes<Ops, kUnsigned> {
  using Vector = typename Ops::Vector;
  using Narrow = Quads<typename Ops::Narrow, kUnsigned>;
  static constexpr int kGroup = 4;
  static constexpr int kPositions = Ops::kPositions;
  static constexpr int64_t kBlock = sizeof(Vector);
  static constexpr int64_t kVectorBytes = Ops::kVectorBytes;
  static constexpr int64_t kGroupBytes = 4 * kVectorBytes;

  // Four taps of every channel, in the quarters that unpacking twice leaves.
  struct Quad {
    Vector part[4];
  };

  template <int P>
  struct Sums {
    Vector acc[P][4];

    SKIFF_INLINE void Clear(const int32_t* start) {
      SKIFF_UNROLL
      for (int p = 0; p < P; ++p) {
        SKIFF_UNROLL
        for (int i = 0; i < 4; ++i) {
          acc[p][i] =
              kUnsigned ? Ops::Zero()
                        : Ops::LoadWeights(reinterpret_cast<const char*>(start) + i * kVectorBytes);
        }
      }
    }
    SKIFF_INLINE void Add(int p, const Quad& quad, const char* w) {
      SKIFF_UNROLL
      for (int i = 0; i < 4; ++i) {
        acc[p][i] = Ops::Dot(acc[p][i], quad.part[i], Ops::LoadWeights(w + i * kVectorBytes));
      }
    }
  };

  static SKIFF_INLINE Vector Load(const char* p) {
    const Vector codes = Ops::Load(p);
    return kUnsigned ? codes : Ops::FlipSigns(codes);
  }
  static SKIFF_INLINE Quad Interleave(Vector a, Vector b, Vector c, Vector d) {
    const Vector ab_low = Ops::UnpackLow8(a, b);
    const Vector ab_high = Ops::UnpackHigh8(a, b);
    const Vector cd_low = Ops::UnpackLow8(c, d);
    const Vector cd_high = Ops::UnpackHigh8(c, d);
    return {{Ops::UnpackLow16(ab_low, cd_low), Ops::UnpackHigh16(ab_low, cd_low),
             Ops::UnpackLow16(ab_high, cd_high), Ops::UnpackHigh16(ab_high, cd_high)}};
  }

  template <int K, int S, int P, typename Taps>
  static SKIFF_INLINE void Sum(const DepthwiseTile& /*t*/, const Taps& taps, const char* w,
                               Sums<P>& sums) {
    static_assert(K == 3 || K == 5);
    constexpr int kColumns = (P - 1) * S + K;
    SKIFF_UNROLL
    for (int x = 0; x < kColumns; ++x) {
      const Vector c = Load(taps.At(2, x));
      // A fourth row that is not there meets weights of zero.
      const Vector d = K == 3 ? c : Load(taps.At(K - 2, x));
      const Quad column = Interleave(Load(taps.At(0, x)), Load(taps.At(1, x)), c, d);
      SKIFF_UNROLL
      for (int p = 0; p < P; ++p) {
        if (x < p * S || x - p * S >= K) continue;
        sums.Add(p, column, w + (x - p * S) * kGroupBytes);
      }
    }
    if constexpr (K == 5) AddLastRow<S, P>(taps, w + 5 * kGroupBytes, sums);
  }

  // The fifth row of 5 x 5 taps: four of it together, and the fifth with three weights of zero.
  template <int S, int P, typename Taps>
  static SKIFF_INLINE void AddLastRow(const Taps& taps, const char* w, Sums<P>& sums) {
    SKIFF_UNROLL
    for (int p = 0; p < P; ++p) {
      const auto load = [&](int x) { return Load(taps.At(4, p * S + x)); };
      sums.Add(p, Interleave(load(0), load(1), load(2), load(3)), w);
      const Vector last = load(4);
      sums.Add(p, Interleave(last, last, last, last), w + kGroupBytes);
    }
  }

  static SKIFF_INLINE void SumOne(const DepthwiseTile& t, int64_t at, const char* w,
                                  Sums<1>& sums) {
    for (int64_t group = 0; group < t.groups; ++group, w += kGroupBytes) {
      Vector tap[4];
      SKIFF_UNROLL
      for (int i = 0; i < 4; ++i) {
        tap[i] = Load(static_cast<const char*>(t.taps[4 * group + i]) + at);
      }
      sums.Add(0, Interleave(tap[0], tap[1], tap[2], tap[3]), w);
    }
  }
};

}  // namespace
}  // namespace skiff::kernels
