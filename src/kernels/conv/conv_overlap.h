// Tiles whose sums overlap with the epilogue of the tile before, for the files of one rung each:
// two positions after the other are finished, and begin with the first steps of the next tile. The
// products keep two of four vector pipes busy, the conversions of an epilogue take the others; an
// epilogue in one piece leaves no room for products in the processor's window. As conv_panel.h.
#pragma once

#include "kernels/conv/conv_panel.h"

namespace skiff::kernels {
namespace {

// Steps that are taken early. Even: steps are taken two at a time.
constexpr int64_t kEarly = 4;

// Are there tiles to overlap, and steps left for all positions together?
template <typename Dot>
SKIFF_INLINE bool TakesOverlapped(const ConvTile& t) {
  return t.steps >= kEarly && t.taps * t.steps >= 2 * kEarly && t.positions >= 2 * Dot::kRows;
}

// Of panels that fill their vectors.
template <typename Dot, typename F>
class OverlappedTiles {
 public:
  static constexpr int kRows = Dot::kRows;
  static constexpr int kTogether = 2;
  static_assert(Dot::kTileRows == kRows && kRows % kTogether == 0 && Dot::kFetches);

  static void Run(const ConvTile& t) {
    const int64_t whole = t.positions / kRows;
    const void* const* rows = t.rows;
    Tile tile;
    tile.Point(t, rows, 0);
    tile.template Early<0, kRows>(t);
    for (int64_t i = 0;; ++i) {
      tile.Rest(t, rows);
      rows += t.taps * kRows;
      if (i + 1 == whole) break;
      tile.Point(t, rows, (i + 1) * kRows);
      tile.template Next<0>(t, i * kRows);
    }
    F::template Finish<kRows, Dot::kVectors>(t, (whole - 1) * kRows, tile.sums_.acc);
    const int64_t left = t.positions - whole * kRows;
    if (left > 0) RunTail<Dot, kRows - 1, Dot::kVectors>(t, rows, whole * kRows, left);
  }

 private:
  using Vector = typename Dot::Vector;
  static constexpr int64_t kStepBytes = Dot::kVectors * int64_t{sizeof(Vector)};

  struct Tile {
    Sums<Dot, kRows, Dot::kVectors> sums_;
    const char* x_[kRows];
    const char* w_;
    ConvTaps taps_;
    int64_t fetch_;

    // At the first tap of the tile of the position `first`.
    SKIFF_INLINE void Point(const ConvTile& t, const void* const* rows, int64_t first) {
      taps_ = TapsOf<Dot>(t, first);
      w_ = static_cast<const char*>(t.weights) + taps_.begin * t.steps * kStepBytes;
      PointAt<kRows>(t, rows + taps_.begin * kRows, x_);
      fetch_ = FetchOffset<Dot, 2 * kStepBytes>(t, first);
    }

    SKIFF_INLINE void Fetch(const char* w) const {
      __builtin_prefetch(w + fetch_, 0, 2);
      __builtin_prefetch(w + fetch_ + kStepBytes, 0, 2);
    }

    // The first steps of R positions from kFirst on.
    template <int kFirst, int R>
    SKIFF_INLINE void Early(const ConvTile& t) {
      SKIFF_UNROLL
      for (int r = kFirst; r < kFirst + R; ++r) {
        SKIFF_UNROLL
        for (int v = 0; v < Dot::kVectors; ++v) sums_.acc[r][v] = Dot::Start(t.start, v);
      }
      SKIFF_UNROLL
      for (int64_t s = 0; s < kEarly; ++s) {
        const char* w = w_ + s * kStepBytes;
        if (kFirst == 0 && s % 2 == 0) Fetch(w);
        Vector weights[Dot::kVectors];
        SKIFF_UNROLL
        for (int v = 0; v < Dot::kVectors; ++v) weights[v] = Dot::Load(w, v);
        SKIFF_UNROLL
        for (int r = kFirst; r < kFirst + R; ++r) {
          const Vector input = Dot::Broadcast(x_[r] + 4 * s);
          SKIFF_UNROLL
          for (int v = 0; v < Dot::kVectors; ++v) {
            sums_.acc[r][v] = Dot::Add(sums_.acc[r][v], input, weights[v]);
          }
        }
      }
    }

    // The epilogue of the tile of the position `first`, and the next one's first steps.
    template <int kFirst>
    SKIFF_INLINE void Next(const ConvTile& t, int64_t first) {
      if constexpr (kFirst < kRows) {
        Vector acc[kTogether][Dot::kVectors];
        SKIFF_UNROLL
        for (int r = 0; r < kTogether; ++r) {
          SKIFF_UNROLL
          for (int v = 0; v < Dot::kVectors; ++v) acc[r][v] = sums_.acc[kFirst + r][v];
        }
        F::template Finish<kTogether, Dot::kVectors>(t, first + kFirst, acc);
        Early<kFirst, kTogether>(t);
        Next<kFirst + kTogether>(t, first);
      }
    }

    // All steps but the first ones.
    SKIFF_INLINE void Rest(const ConvTile& t, const void* const* rows) {
      const char* w = w_ + kEarly * kStepBytes;
      TakeSteps(t, rows, taps_, kEarly, w, nullptr, fetch_, x_, sums_);
    }
  };
};

}  // namespace
}  // namespace skiff::kernels
