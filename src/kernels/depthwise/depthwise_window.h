// The loops of the depthwise kernels over positions and blocks of channels, for the files of one
// rung each. Internal linkage only: every file compiles its own copy.
//
// A Rung is how one rung sums:
//   kBlock, kGroup    channels of a block; taps that one multiply-add takes together
//   kPositions        neighbouring windows that share what a column is interleaved to
//   kGroupBytes       of the weights of a group
//   Sums<P>           of P positions
//   Sum<K, S, P>      P windows of K x K taps, S columns apart
//   SumOne            one window of any kind, by its pointers
//   ForFinish(epilogue, run)   calls run(F()), where F is AnyFinish or one that knows more of the
//                     epilogue
//   Finish<F, P>      the epilogue
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

// The slot of row y, column 0 of a K x K window (PackedDepthwise).
constexpr int FirstSlot(int y, int K, int group) {
  const int band = y / group * group;
  return band + 1 == K ? band * K : band * K + y % group;
}

// kPositions windows from position p on, all channels. One of `block` channels at a time.
template <typename Rung, typename F, int K, int S, int P>
void RunWindows(const DepthwiseTile& t, int64_t p) {
  const Epilogue e = *t.epilogue;  // a copy: stores to dst cannot change it
  const int64_t block_bytes = t.groups * Rung::kGroupBytes;
  const char* w = static_cast<const char*>(t.weights);
  const int32_t* start = t.start;
  const char* first[K];
  SKIFF_UNROLL
  for (int y = 0; y < K; ++y) {
    const void* tap = t.taps[FirstSlot(y, K, Rung::kGroup)];
    first[y] = static_cast<const char*>(tap) + p * t.position_step;
  }
  for (int64_t c = 0; c < t.channels; c += Rung::kBlock, w += block_bytes) {
    const char* row[K];
    SKIFF_UNROLL
    for (int y = 0; y < K; ++y) row[y] = first[y] + c;
    typename Rung::template Sums<P> sums;
    sums.Clear(start);
    Rung::template Sum<K, S, P>(t, row, t.channels - c, w, sums);
    Rung::template Finish<F, P>(t, e, p, c, sums);
    if (start != nullptr) start += Rung::kBlock;
  }
}

template <typename Rung, typename F, int K, int S>
void RunAllWindows(const DepthwiseTile& t) {
  using Any = typename Rung::AnyFinish;
  int64_t p = 0;
  for (; p + Rung::kPositions <= t.positions; p += Rung::kPositions) {
    RunWindows<Rung, F, K, S, Rung::kPositions>(t, p);
  }
  if constexpr (Rung::kPositions > 2) {
    for (; p + 2 <= t.positions; p += 2) RunWindows<Rung, Any, K, S, 2>(t, p);
  }
  for (; p < t.positions; ++p) RunWindows<Rung, Any, K, S, 1>(t, p);
}

template <typename Rung, typename F, int K>
bool RunSquare(const DepthwiseTile& t) {
  if (t.rows != K || t.columns != K) return false;
  if (t.position_step == t.column_step) {
    RunAllWindows<Rung, F, K, 1>(t);
  } else if (t.position_step == 2 * t.column_step) {
    RunAllWindows<Rung, F, K, 2>(t);
  } else {
    return false;
  }
  return true;
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
    Rung::SumOne(t, p * t.position_step + c, t.channels - c, w, sums);
    Rung::template Finish<typename Rung::AnyFinish, 1>(t, *t.epilogue, p, c, sums);
    if (start != nullptr) start += Rung::kBlock;
  }
}

template <typename Rung>
void RunDepthwise(const DepthwiseTile& t) {
  bool done = false;
  Rung::ForFinish(*t.epilogue, [&]<typename F>(F) {
    done = RunSquare<Rung, F, 3>(t) || RunSquare<Rung, F, 5>(t);
  });
  for (int64_t p = 0; !done && p < t.positions; ++p) RunOne<Rung>(t, p);
}

}  // namespace
}  // namespace skiff::kernels
