// The loops of the depthwise kernels over positions and blocks of channels, for the files of one
// rung each. Internal linkage only: every file compiles its own copy.
//
// A Rung is how one rung sums:
//   kBlock, kGroup    channels of a block; taps that one multiply-add takes together
//   kPositions        neighbouring windows that share what a column is interleaved to
//   kGroupBytes       of the weights of a group
//   Sums<P>           of P positions
//   Sum<K, S, P>      P windows of K x K taps, S columns apart; Taps::At(y, x) is where row y and
//                     column x of what they cover is
//   SumOne            one window of any kind, by its pointers
//   AnyFinish         has Finish<P>(epilogue, rows, sums), the epilogue of P positions
//   ForFinish(epilogue, run)   calls run(F()), where F is AnyFinish or one that knows more of the
//                     epilogue
//   kFinishesLarge    has an F for 5 x 5 taps; else they take AnyFinish
//   Narrow            a Rung for a last block of at most Narrow::kBlock channels, 3 x 3 taps, if F
//                     has kTakesNarrow; its weights and factors lie first in each vector's
#pragma once

#include <cstdint>

#include "kernels/depthwise/depthwise_symbols.h"
#include "kernels/inline.h"

namespace skiff::kernels {
namespace {

// Where up to `most` channels from c on of position p come from and go to.
SKIFF_INLINE EpilogueRows RowsAt(const DepthwiseTile& t, const Epilogue& e, int64_t p, int64_t c,
                                 int64_t most) {
  const int64_t left = t.channels - c;
  EpilogueRows out;
  out.channel = c;
  out.n = left < most ? left : most;
  out.factors = t.factors + 2 * c;
  out.residual = t.residual;
  if (t.residual != nullptr) {
    out.residual =
        static_cast<const char*>(t.residual) + p * t.residual_stride + c * ElementBytes(e.residual);
  }
  out.residual_stride = t.residual_stride;
  out.dst = static_cast<char*>(t.dst) + p * t.dst_stride + c * ElementBytes(e.store);
  out.dst_stride = t.dst_stride;
  return out;
}

// The epilogues of a Rung.
template <typename Ops, bool kUnsigned>
struct Finishes {
  using AnyFinish = typename Ops::AnyFinish;

  template <typename Run>
  static SKIFF_INLINE void ForFinish(const Epilogue& e, Run run) {
    Ops::template ForFinish<kUnsigned>(e, run);
  }
  // The sums of 5 x 5 taps are most of their time, and most of the code.
  static constexpr bool kFinishesLarge = kUnsigned;
};

// What windows of K rows cover, all of it in the picture.
template <int K>
struct InnerTaps {
  const char* row[K];
  int64_t step;

  InnerTaps(const DepthwiseTile& t, int64_t column) : step(t.pixel_bytes) {
    SKIFF_UNROLL
    for (int y = 0; y < K; ++y) row[y] = static_cast<const char*>(t.rows[y]) + column * step;
  }
  SKIFF_INLINE void NextChannels(int64_t bytes) {
    SKIFF_UNROLL
    for (int y = 0; y < K; ++y) row[y] += bytes;
  }
  [[nodiscard]] SKIFF_INLINE const char* At(int y, int x) const { return row[y] + x * step; }
};

// Some columns of it outside.
template <int K, int kColumns>
struct EdgeTaps {
  const char* at[K][kColumns];
  int64_t channel = 0;

  EdgeTaps(const DepthwiseTile& t, int64_t column) {
    for (int x = 0; x < kColumns; ++x) {
      const bool inside = column + x >= 0 && column + x < t.columns;
      for (int y = 0; y < K; ++y) {
        const char* row = static_cast<const char*>(t.rows[y]);
        at[y][x] = inside ? row + (column + x) * t.pixel_bytes : static_cast<const char*>(t.zeros);
      }
    }
  }
  SKIFF_INLINE void NextChannels(int64_t bytes) { channel += bytes; }
  [[nodiscard]] SKIFF_INLINE const char* At(int y, int x) const { return at[y][x] + channel; }
};

// P windows of one block of channels.
template <typename Rung, typename F, int K, int S, int P, typename Taps>
SKIFF_INLINE void RunBlock(const DepthwiseTile& t, const Taps& taps, const char* w,
                           const int32_t* start, const Epilogue& e, const EpilogueRows& rows) {
  typename Rung::template Sums<P> sums;
  sums.Clear(start);
  Rung::template Sum<K, S, P>(t, taps, w, sums);
  F::template Finish<P>(e, rows, sums.acc);
}

// P windows from position p on, all channels. One of `block` channels at a time.
template <typename Rung, typename F, int K, int S, int P, typename Taps>
SKIFF_INLINE void RunWindows(const DepthwiseTile& t, int64_t p, Taps taps) {
  using Narrow = typename Rung::Narrow;
  constexpr bool kNarrows = K == 3 && requires { F::kTakesNarrow; };
  const Epilogue e = *t.epilogue;  // a copy: stores to dst cannot change it
  const int64_t block_bytes = t.groups * Rung::kGroupBytes;
  const char* w = static_cast<const char*>(t.weights);
  const int32_t* start = t.start;
  for (int64_t c = 0; c < t.channels; c += Rung::kBlock, w += block_bytes) {
    const EpilogueRows rows = RowsAt(t, e, p, c, Rung::kBlock);
    if constexpr (kNarrows) {
      if (rows.n <= Narrow::kBlock) return RunBlock<Narrow, F, K, S, P>(t, taps, w, start, e, rows);
    }
    RunBlock<Rung, F, K, S, P>(t, taps, w, start, e, rows);
    taps.NextChannels(Rung::kBlock);
    if (start != nullptr) start += Rung::kBlock;
  }
}

// A row of fewer windows than kPositions.
template <typename Rung, int K, int S>
__attribute__((noinline)) void RunNarrowRow(const DepthwiseTile& t) {
  for (int64_t p = 0; p < t.positions; ++p) {
    const EdgeTaps<K, K> taps(t, p * S - t.pad_left);
    RunWindows<Rung, typename Rung::AnyFinish, K, S, 1>(t, p, taps);
  }
}

// A row of windows, kPositions at a time; the last ones overlap with those before them.
template <typename Rung, typename F, int K, int S>
void RunRow(const DepthwiseTile& t) {
  constexpr int P = Rung::kPositions;
  constexpr int kColumns = (P - 1) * S + K;
  const int64_t count = t.positions;
  if (count < P) return RunNarrowRow<Rung, K, S>(t);
  for (int64_t done = 0; done < count; done += P) {
    const int64_t p = done + P <= count ? done : count - P;
    const int64_t column = p * S - t.pad_left;
    if (column >= 0 && column + kColumns <= t.columns) {
      RunWindows<Rung, F, K, S, P>(t, p, InnerTaps<K>(t, column));
    } else {
      RunWindows<Rung, F, K, S, P>(t, p, EdgeTaps<K, kColumns>(t, column));
    }
  }
}

template <typename Rung, typename F>
void RunLarge(const DepthwiseTile& t) {
  t.stride == 1 ? RunRow<Rung, F, 5, 1>(t) : RunRow<Rung, F, 5, 2>(t);
}

template <typename Rung, typename F>
void RunSquare(const DepthwiseTile& t) {
  if (t.window == 3) {
    t.stride == 1 ? RunRow<Rung, F, 3, 1>(t) : RunRow<Rung, F, 3, 2>(t);
  } else if constexpr (Rung::kFinishesLarge) {
    RunLarge<Rung, F>(t);
  } else {
    RunLarge<Rung, typename Rung::AnyFinish>(t);
  }
}

// One position, whatever its window.
template <typename Rung>
void RunOne(const DepthwiseTile& t, int64_t p) {
  const int64_t block_bytes = t.groups * Rung::kGroupBytes;
  const char* w = static_cast<const char*>(t.weights);
  const int32_t* start = t.start;
  for (int64_t c = 0; c < t.channels; c += Rung::kBlock, w += block_bytes) {
    typename Rung::template Sums<1> sums;
    sums.Clear(start);
    Rung::SumOne(t, p * t.position_step + c, w, sums);
    const Epilogue& e = *t.epilogue;
    Rung::AnyFinish::template Finish<1>(e, RowsAt(t, e, p, c, Rung::kBlock), sums.acc);
    if (start != nullptr) start += Rung::kBlock;
  }
}

template <typename Rung>
void RunDepthwise(const DepthwiseTile& t) {
  if (t.rows != nullptr) {
    Rung::ForFinish(*t.epilogue, [&]<typename F>(F) { RunSquare<Rung, F>(t); });
    return;
  }
  for (int64_t p = 0; p < t.positions; ++p) RunOne<Rung>(t, p);
}

}  // namespace
}  // namespace skiff::kernels
