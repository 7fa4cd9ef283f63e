// Zen 3 and Haswell alike issue two 256-bit multiplies a cycle: maddubs + maddwd + add make 32
// multiply-adds of u7 x s8 in one cycle; maddwd on s16 makes as many, from twice the bytes.
#include "kernels/conv/conv_symbols.h"
#include "kernels/conv/conv_tile.h"
#include "kernels/epilogue/epilogue_avx2.h"

namespace skiff::kernels {
namespace avx2 {
namespace {

SKIFF_AVX2_INLINE __m256i Broadcast(const char* p) {
  return _mm256_castps_si256(_mm256_broadcast_ss(reinterpret_cast<const float*>(p)));
}

SKIFF_AVX2_INLINE __m256i Load(const char* p) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
}

// One step: 4 inputs of one position times 8 channels.
struct DotU7 {
  static SKIFF_AVX2_INLINE __m256i Add(__m256i acc, __m256i x, __m256i w) {
    const __m256i pairs = _mm256_maddubs_epi16(x, w);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

// One step: 2 widened inputs of one position times 8 channels.
struct DotS16 {
  static SKIFF_AVX2_INLINE __m256i Add(__m256i acc, __m256i x, __m256i w) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w));
  }
};

// R positions x 8 V channels.
template <typename Dot, int kTileRows, int R, int V>
SKIFF_AVX2_INLINE void RunTile(const ConvTile& t, const void* const* rows, int64_t first) {
  __m256i acc[R][2];
  for (int r = 0; r < R; ++r) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
  const char* w = static_cast<const char*>(t.weights);
  for (int64_t tap = 0; tap < t.taps; ++tap, rows += kTileRows) {
    const char* x[R];
    for (int r = 0; r < R; ++r) x[r] = static_cast<const char*>(rows[r]) + t.row_offset;
    for (int64_t s = 0; s < t.steps; ++s, w += 64) {
      __m256i weights[V];
      for (int v = 0; v < V; ++v) weights[v] = Load(w + 32 * v);
      for (int r = 0; r < R; ++r) {
        const __m256i input = Broadcast(x[r] + 4 * s);
        for (int v = 0; v < V; ++v) acc[r][v] = Dot::Add(acc[r][v], input, weights[v]);
      }
    }
  }
  const auto* residual = static_cast<const char*>(t.residual) + first * t.residual_stride;
  char* dst = static_cast<char*>(t.dst) + first * t.dst_stride;
  for (int r = 0; r < R; ++r, residual += t.residual_stride, dst += t.dst_stride) {
    ApplyEpilogue(*t.epilogue, acc[r][0], acc[r][1], t.channel, t.channel_count, residual, dst);
  }
}

template <typename Dot, int kTileRows, int R, int V>
void RunRows(const ConvTile& t, const void* const* rows, int64_t first) {
  RunTile<Dot, kTileRows, R, V>(t, rows, first);
}

// The last positions: fewer than a tile.
template <typename Dot, int kTileRows, int R, int V>
void RunTail(const ConvTile& t, const void* const* rows, int64_t first, int64_t count) {
  if constexpr (R > 0) {
    if (count == R) {
      RunRows<Dot, kTileRows, R, V>(t, rows, first);
    } else {
      RunTail<Dot, kTileRows, R - 1, V>(t, rows, first, count);
    }
  }
}

template <typename Dot, int kTileRows, int V>
void RunPanel(const ConvTile& t) {
  const void* const* rows = t.rows;
  int64_t p = 0;
  for (; p + kTileRows <= t.positions; p += kTileRows, rows += t.taps * kTileRows) {
    RunTile<Dot, kTileRows, kTileRows, V>(t, rows, p);
  }
  RunTail<Dot, kTileRows, kTileRows - 1, V>(t, rows, p, t.positions - p);
}

template <typename Dot, int kTileRows>
void Run(const ConvTile& t) {
  if (t.channel_count > 8) {
    RunPanel<Dot, kTileRows, 2>(t);
  } else {
    RunPanel<Dot, kTileRows, 1>(t);
  }
}

}  // namespace
}  // namespace avx2

void conv_u7s8_4x16_avx2(const ConvTile& tile) { avx2::Run<avx2::DotU7, 4>(tile); }
void conv_s16_6x16_avx2(const ConvTile& tile) { avx2::Run<avx2::DotS16, 6>(tile); }

}  // namespace skiff::kernels
