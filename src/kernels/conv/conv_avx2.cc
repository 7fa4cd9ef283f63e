// Zen 3 and Haswell alike issue two 256-bit multiplies a cycle: maddubs + maddwd + add make 32
// multiply-adds of u7 x s8 in one cycle; maddwd on s16 makes as many, from twice the bytes.
#include "kernels/conv/conv_symbols.h"
#include "kernels/conv/conv_tile.h"
#include "kernels/epilogue/epilogue_rows_avx2.h"

namespace skiff::kernels {
namespace avx2 {
namespace {

SKIFF_AVX2_INLINE __m256i Broadcast(const char* p) {
  int32_t four;  // p has any alignment
  __builtin_memcpy(&four, p, sizeof(four));
  return _mm256_set1_epi32(four);
}

SKIFF_AVX2_INLINE __m256i Load(const char* p) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
}

// One step: 4 inputs of one position times 8 channels.
struct DotU7 {
  static constexpr bool kPreAdd = false;
  static SKIFF_AVX2_INLINE __m256i Add(__m256i acc, __m256i x, __m256i w) {
    const __m256i pairs = _mm256_maddubs_epi16(x, w);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

// Two steps at once, their products added in s16, which the packing has made safe: 3 multiplies
// instead of 4.
struct DotU7PreAdd : DotU7 {
  static constexpr bool kPreAdd = true;
  static SKIFF_AVX2_INLINE __m256i AddTwo(__m256i acc, __m256i x0, __m256i w0, __m256i x1,
                                          __m256i w1) {
    const __m256i pairs =
        _mm256_add_epi16(_mm256_maddubs_epi16(x0, w0), _mm256_maddubs_epi16(x1, w1));
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

// One step: 2 widened inputs of one position times 8 channels.
struct DotS16 {
  static constexpr bool kPreAdd = false;
  static SKIFF_AVX2_INLINE __m256i Add(__m256i acc, __m256i x, __m256i w) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w));
  }
};

// The sums of R positions x 8 V channels.
template <typename Dot, int R, int V>
struct Sums {
  __m256i acc[R][2];

  SKIFF_AVX2_INLINE void Clear() {
    SKIFF_AVX2_UNROLL
    for (int r = 0; r < R; ++r) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
  }

  // One step: x[r] + at are the inputs, w the step's weights.
  SKIFF_AVX2_INLINE void Step(const char* const (&x)[R], int64_t at, const char* w) {
    __m256i weights[V];
    SKIFF_AVX2_UNROLL
    for (int v = 0; v < V; ++v) weights[v] = Load(w + 32 * v);
    SKIFF_AVX2_UNROLL
    for (int r = 0; r < R; ++r) {
      const __m256i input = Broadcast(x[r] + at);
      SKIFF_AVX2_UNROLL
      for (int v = 0; v < V; ++v) acc[r][v] = Dot::Add(acc[r][v], input, weights[v]);
    }
  }

  // This step and the next.
  SKIFF_AVX2_INLINE void TwoSteps(const char* const (&x)[R], int64_t at, const char* w) {
    __m256i first[V];
    __m256i second[V];
    SKIFF_AVX2_UNROLL
    for (int v = 0; v < V; ++v) {
      first[v] = Load(w + 32 * v);
      second[v] = Load(w + 64 + 32 * v);
    }
    SKIFF_AVX2_UNROLL
    for (int r = 0; r < R; ++r) {
      const __m256i input0 = Broadcast(x[r] + at);
      const __m256i input1 = Broadcast(x[r] + at + 4);
      SKIFF_AVX2_UNROLL
      for (int v = 0; v < V; ++v) {
        acc[r][v] = Dot::AddTwo(acc[r][v], input0, first[v], input1, second[v]);
      }
    }
  }
};

template <int R>
SKIFF_AVX2_INLINE void PointAt(const ConvTile& t, const void* const* rows, const char* (&x)[R]) {
  SKIFF_AVX2_UNROLL
  for (int r = 0; r < R; ++r) x[r] = static_cast<const char*>(rows[r]) + t.row_offset;
}

// R positions x 8 V channels.
template <typename Dot, int kTileRows, int R, int V>
SKIFF_AVX2_INLINE void RunTile(const ConvTile& t, const void* const* rows, int64_t first) {
  Sums<Dot, R, V> sums;
  sums.Clear();
  const char* x[R];
  const char* w = static_cast<const char*>(t.weights);
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    PointAt<R>(t, rows + tap * kTileRows, x);
    int64_t s = 0;
    if constexpr (Dot::kPreAdd) {
      for (; s + 2 <= t.steps; s += 2, w += 128) sums.TwoSteps(x, 4 * s, w);
    }
#pragma GCC unroll 2
    for (; s < t.steps; ++s, w += 64) sums.Step(x, 4 * s, w);
  }
  if constexpr (Dot::kPreAdd) {
    for (int64_t f = 0; f < t.fixup_count; ++f) {
      PointAt<R>(t, rows + t.fixups[f].tap * kTileRows, x);
      sums.Step(x, 4 * t.fixups[f].step, reinterpret_cast<const char*>(t.fixup_weights) + 64 * f);
    }
  }
  EpilogueRows out;
  out.channel = t.channel;
  out.n = t.channel_count;
  out.residual = static_cast<const char*>(t.residual) + first * t.residual_stride;
  out.residual_stride = t.residual_stride;
  out.dst = static_cast<char*>(t.dst) + first * t.dst_stride;
  out.dst_stride = t.dst_stride;
  ApplyEpilogueRows<R>(*t.epilogue, sums.acc, out);
}

// The last positions: fewer than a tile.
template <typename Dot, int kTileRows, int R, int V>
void RunTail(const ConvTile& t, const void* const* rows, int64_t first, int64_t count) {
  if constexpr (R > 0) {
    if (count == R) {
      RunTile<Dot, kTileRows, R, V>(t, rows, first);
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

void conv_u7s8_preadd_4x16_avx2(const ConvTile& tile) { avx2::Run<avx2::DotU7PreAdd, 4>(tile); }
void conv_u7s8_4x16_avx2(const ConvTile& tile) { avx2::Run<avx2::DotU7, 4>(tile); }
void conv_s16_6x16_avx2(const ConvTile& tile) { avx2::Run<avx2::DotS16, 6>(tile); }

}  // namespace skiff::kernels
