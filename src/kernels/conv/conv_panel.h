// The loops of the convolution kernels that keep their sums in vector registers, for the files of
// one rung each. Internal linkage only: every file compiles its own copy.
//
// A Dot is how a rung multiplies:
//   Vector            of s32 sums; kVectors of them are the channels of a panel
//   kTileRows         output positions that share a block of pointers
//   kRows             positions whose sums fit in registers, for every number of vectors
//   kTallRows         as many, for one or two vectors; a divisor or a multiple of kTileRows
//   kFetches          the next panel of weights is fetched while one is used
//   kPreAdd           two steps are taken at once
//   kStarts           sums begin at Start(start, v), not at zero
//   kStartsFromAll    which depends on the weights of all taps
//   Load(w)           weights of one step; Broadcast(x): the inputs of one step of one position
//   Add(acc, x, w)    where kStarts
//   AddRow(acc, x, w) a position's step of two vectors, where kAddsRows
//   Product(x, w), ProductOfTwo(x0, w0, x1, w1), Plus(acc, product)   where not
//   AnyFinish         has Finish<R, V>(tile, first, acc), the epilogue of R positions, the first of
//                     them `first`
//   ForFinish<V>(tile, run)   calls run(F()), where F is AnyFinish or one that knows more of the
//                     tile's epilogue; it finishes blocks of kRows and kTallRows positions
#pragma once

#include <cstdint>

#include "kernels/conv/conv_tile.h"
#include "kernels/inline.h"

namespace skiff::kernels {
namespace {

// The sums of R positions x V vectors of channels.
template <typename Dot, int R, int V>
struct Sums {
  using Vector = typename Dot::Vector;
  static constexpr int64_t kStepBytes = Dot::kVectors * int64_t{sizeof(Vector)};

  Vector acc[R][Dot::kVectors];

  // The steps from the first on that cost no addition, as there is nothing to add to; how many.
  SKIFF_INLINE int64_t Begin(const ConvTile& t, const char* const (&x)[R], const char* w,
                             const int32_t* order) {
    if constexpr (Dot::kStarts) {
      SKIFF_UNROLL
      for (int r = 0; r < R; ++r) {
        SKIFF_UNROLL
        for (int v = 0; v < Dot::kVectors; ++v) acc[r][v] = Dot::Start(t.start, v);
      }
      return 0;
    } else if constexpr (Dot::kPreAdd) {
      if (t.steps > 1) {
        TwoSteps<true>(x, order[0], order[1], w);
        return 2;
      }
    }
    Step<true>(x, 0, w);
    return 1;
  }

  // One step: x[r] + at are the inputs, w the step's weights.
  template <bool kFirst = false>
  SKIFF_INLINE void Step(const char* const (&x)[R], int64_t at, const char* w) {
    Vector weights[V];
    SKIFF_UNROLL
    for (int v = 0; v < V; ++v) weights[v] = Dot::Load(w, v);
    SKIFF_UNROLL
    for (int r = 0; r < R; ++r) {
      if constexpr (Dot::kAddsRows && V == 2 && !kFirst) {
        Dot::AddRow(acc[r], x[r] + at, weights);
        continue;
      }
      const Vector input = Dot::Broadcast(x[r] + at);
      SKIFF_UNROLL
      for (int v = 0; v < V; ++v) {
        if constexpr (Dot::kStarts) {
          acc[r][v] = Dot::Add(acc[r][v], input, weights[v]);
        } else {
          Take<kFirst>(r, v, Dot::Product(input, weights[v]));
        }
      }
    }
  }

  // Two steps, whose inputs are at x[r] + at0 and x[r] + at1.
  template <bool kFirst = false>
  SKIFF_INLINE void TwoSteps(const char* const (&x)[R], int64_t at0, int64_t at1, const char* w) {
    Vector first[V];
    Vector second[V];
    SKIFF_UNROLL
    for (int v = 0; v < V; ++v) {
      first[v] = Dot::Load(w, v);
      second[v] = Dot::Load(w + kStepBytes, v);
    }
    SKIFF_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vector input0 = Dot::Broadcast(x[r] + at0);
      const Vector input1 = Dot::Broadcast(x[r] + at1);
      SKIFF_UNROLL
      for (int v = 0; v < V; ++v) {
        Take<kFirst>(r, v, Dot::ProductOfTwo(input0, first[v], input1, second[v]));
      }
    }
  }

 private:
  template <bool kFirst>
  SKIFF_INLINE void Take(int r, int v, Vector product) {
    acc[r][v] = kFirst ? product : Dot::Plus(acc[r][v], product);
  }
};

template <int R>
SKIFF_INLINE void PointAt(const ConvTile& t, const void* const* rows, const char* (&x)[R]) {
  SKIFF_UNROLL
  for (int r = 0; r < R; ++r) x[r] = static_cast<const char*>(rows[r]) + t.row_offset;
}

// Which taps the tile of the position `first` needs. Signed codes that are read as code + 128 need
// those outside of the picture as well: Start counts them all.
template <typename Dot>
SKIFF_INLINE ConvTaps TapsOf(const ConvTile& t, int64_t first) {
  if constexpr (Dot::kTileRows == Dot::kRows && !Dot::kStartsFromAll) {
    if (t.tile_taps != nullptr) return t.tile_taps[first / Dot::kTileRows];
  }
  return {0, static_cast<int32_t>(t.taps)};
}

// From the weights of two steps to what is fetched from L3 meanwhile, two lines, half of
// kTwoStepsBytes apart: each of the first tiles asks for other lines of the next panel, so that
// together they ask for all of it, and twice, because those at the upper and lower edges of a
// picture pass over some taps. Later tiles ask for what they have.
template <typename Dot, int64_t kTwoStepsBytes>
SKIFF_INLINE int64_t FetchOffset(const ConvTile& t, int64_t first) {
  constexpr int64_t kLine = 64;
  const int64_t at = first / Dot::kRows * kLine;
  const bool share = t.positions * kLine >= Dot::kRows * kTwoStepsBytes && at < kTwoStepsBytes;
  return t.next_panel != 0 && share ? t.next_panel + at % (kTwoStepsBytes / 2) : 0;
}

// All steps of `taps` from step `s` of the first one on, whose pointers are `x` and whose weights
// `w`.
template <typename Dot, int R, int V>
SKIFF_INLINE void TakeSteps(const ConvTile& t, const void* const* rows, ConvTaps taps, int64_t s,
                            const char* w, const int32_t* order, int64_t fetch, const char* (&x)[R],
                            Sums<Dot, R, V>& sums) {
  constexpr int64_t kStepBytes = Sums<Dot, R, V>::kStepBytes;
  const int64_t steps = t.steps;
  for (int64_t tap = taps.begin + 1;; ++tap, s = 0) {
    for (; s + 2 <= steps; s += 2, w += 2 * kStepBytes) {
      if constexpr (Dot::kFetches) {
        __builtin_prefetch(w + fetch, 0, 2);
        __builtin_prefetch(w + fetch + kStepBytes, 0, 2);
      }
      if constexpr (Dot::kPreAdd) {
        sums.TwoSteps(x, order[s], order[s + 1], w);
      } else {
        sums.Step(x, 4 * s, w);
        sums.Step(x, 4 * s + 4, w + kStepBytes);
      }
    }
    if (s < steps) {
      sums.Step(x, 4 * s, w);  // the last of an odd number is in its place
      w += kStepBytes;
    }
    if (tap == taps.end) return;
    PointAt<R>(t, rows + tap * Dot::kTileRows, x);
    if constexpr (Dot::kPreAdd) order += t.order_tap;
  }
}

// R positions x V vectors of channels. `rows` is where the first position's pointer lies.
template <typename Dot, typename F, int R, int V>
SKIFF_INLINE void RunTile(const ConvTile& t, const void* const* rows, int64_t first) {
  using SumsRV = Sums<Dot, R, V>;
  constexpr int64_t kStepBytes = SumsRV::kStepBytes;
  SumsRV sums;
  const char* x[R];
  const char* w = static_cast<const char*>(t.weights);
  const int32_t* order = t.order;
  const ConvTaps taps = TapsOf<Dot>(t, first);
  w += taps.begin * t.steps * kStepBytes;
  if constexpr (Dot::kPreAdd) order += taps.begin * t.order_tap;
  PointAt<R>(t, rows + taps.begin * Dot::kTileRows, x);
  const int64_t fetch = FetchOffset<Dot, 2 * kStepBytes>(t, first);
  const int64_t s = sums.Begin(t, x, w, order);
  w += s * kStepBytes;
  TakeSteps(t, rows, taps, s, w, order, fetch, x, sums);
  if constexpr (Dot::kPreAdd) {
    for (int64_t f = 0; f < t.fixup_count; ++f) {
      PointAt<R>(t, rows + t.fixups[f].tap * Dot::kTileRows, x);
      sums.Step(x, t.fixups[f].offset,
                reinterpret_cast<const char*>(t.fixup_weights) + kStepBytes * f);
    }
  }
  F::template Finish<R, V>(t, first, sums.acc);
}

// The last positions: at most R.
template <typename Dot, int R, int V>
__attribute__((noinline)) void RunTail(const ConvTile& t, const void* const* rows, int64_t first,
                                       int64_t count) {
  if constexpr (R > 0) {
    if (count == R) {
      RunTile<Dot, typename Dot::AnyFinish, R, V>(t, rows, first);
    } else {
      RunTail<Dot, R - 1, V>(t, rows, first, count);
    }
  }
}

// `count` positions of one block of pointers.
template <typename Dot, typename F, int V>
SKIFF_INLINE void RunBlock(const ConvTile& t, const void* const* rows, int64_t first,
                           int64_t count) {
  constexpr int kRows = Dot::kRows;
  if constexpr (V <= 2 && Dot::kTallRows != kRows) {
    if (count == Dot::kTallRows) return RunTile<Dot, F, Dot::kTallRows, V>(t, rows, first);
  }
  for (; count >= kRows; count -= kRows, rows += kRows, first += kRows) {
    RunTile<Dot, F, kRows, V>(t, rows, first);
  }
  if (count > 0) RunTail<Dot, kRows - 1, V>(t, rows, first, count);
}

template <typename Dot, typename F, int V>
void RunBlocks(const ConvTile& t) {
  const void* const* rows = t.rows;
  for (int64_t p = 0; p < t.positions; p += Dot::kTileRows, rows += t.taps * Dot::kTileRows) {
    const int64_t left = t.positions - p;
    RunBlock<Dot, F, V>(t, rows, p, left < Dot::kTileRows ? left : Dot::kTileRows);
  }
}

template <typename Dot, int V>
void RunPanel(const ConvTile& t) {
  Dot::template ForFinish<V>(t, [&]<typename F>(F) { RunBlocks<Dot, F, V>(t); });
}

// As many vectors as the panel's channels need.
template <typename Dot, int V = Dot::kVectors>
void RunConv(const ConvTile& t) {
  if constexpr (V > 1) {
    constexpr int64_t kLanes = sizeof(typename Dot::Vector) / sizeof(int32_t);
    if (t.channel_count <= (V - 1) * kLanes) return RunConv<Dot, V - 1>(t);
  }
  RunPanel<Dot, V>(t);
}

}  // namespace
}  // namespace skiff::kernels
