// The tile kernels of the scalar rung: the loops of conv_avx2.cc without vectors.
#include "kernels/conv/conv_symbols.h"
#include "kernels/conv/conv_tile.h"

namespace skiff::kernels {
namespace {

constexpr int kRows = 4;
constexpr int kChannels = 8;

template <typename X, typename W, int kGroup>
void RunTile(const ConvTile& t, const void* const* rows, int64_t count, int64_t first) {
  int32_t acc[kRows][kChannels] = {};
  const W* w = static_cast<const W*>(t.weights);
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const X* x[kRows] = {};
    for (int64_t r = 0; r < count; ++r) {
      x[r] = reinterpret_cast<const X*>(static_cast<const char*>(rows[tap * kRows + r]) +
                                        t.row_offset);
    }
    for (int64_t s = 0; s < t.steps; ++s, w += kChannels * kGroup) {
      for (int64_t r = 0; r < count; ++r) {
        for (int c = 0; c < kChannels; ++c) {
          for (int k = 0; k < kGroup; ++k) {
            acc[r][c] += int32_t{x[r][s * kGroup + k]} * w[c * kGroup + k];
          }
        }
      }
    }
  }
  for (int64_t r = 0; r < count; ++r) {
    const auto* residual = static_cast<const char*>(t.residual);
    if (residual != nullptr) residual += (first + r) * t.residual_stride;
    ApplyEpilogueRef(*t.epilogue, acc[r], t.channel, t.channel_count, residual,
                     static_cast<char*>(t.dst) + (first + r) * t.dst_stride);
  }
}

template <typename X, typename W, int kGroup>
void RunAll(const ConvTile& t) {
  const void* const* rows = t.rows;
  for (int64_t p = 0; p < t.positions; p += kRows, rows += t.taps * kRows) {
    RunTile<X, W, kGroup>(t, rows, t.positions - p < kRows ? t.positions - p : kRows, p);
  }
}

}  // namespace

void conv_u7s8_4x8_scalar(const ConvTile& tile) { RunAll<uint8_t, int8_t, 4>(tile); }
void conv_s16_4x8_scalar(const ConvTile& tile) { RunAll<int16_t, int16_t, 2>(tile); }

}  // namespace skiff::kernels
