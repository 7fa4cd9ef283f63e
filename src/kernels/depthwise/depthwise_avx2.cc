// Codes are widened to s16 and two taps of a channel brought side by side by unpacking, so that one
// multiply-add takes both.
#include "kernels/depthwise/depthwise_symbols.h"
#include "kernels/epilogue/epilogue_rows_avx2.h"

namespace skiff::kernels {
namespace avx2 {
namespace {

template <bool kUnsigned>
SKIFF_INLINE __m256i Load(const char* p) {
  const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return kUnsigned ? _mm256_cvtepu8_epi16(codes) : _mm256_cvtepi8_epi16(codes);
}

SKIFF_INLINE __m256i LoadWeights(const char* w) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(w));
}

struct Pair {
  __m256i low, high;  // channels 0-3 | 8-11, 4-7 | 12-15
};

SKIFF_INLINE Pair Interleave(__m256i a, __m256i b) {
  return {_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
}

SKIFF_INLINE void Add(const Pair& pair, const char* w, __m256i (&acc)[2]) {
  acc[0] = _mm256_add_epi32(acc[0], _mm256_madd_epi16(pair.low, LoadWeights(w)));
  acc[1] = _mm256_add_epi32(acc[1], _mm256_madd_epi16(pair.high, LoadWeights(w + 32)));
}

// From a Pair's order of channels to the order of memory.
SKIFF_INLINE void InOrder(__m256i (&acc)[2]) {
  const __m256i first = _mm256_permute2x128_si256(acc[0], acc[1], 0x20);
  acc[1] = _mm256_permute2x128_si256(acc[0], acc[1], 0x31);
  acc[0] = first;
}

// Where 16 channels from c on of position p come from and go to.
SKIFF_INLINE EpilogueRows RowsAt(const DepthwiseTile& t, const Epilogue& e, int64_t p, int64_t c) {
  const int64_t left = t.channels - c;
  EpilogueRows out;
  out.channel = c;
  out.n = left < 16 ? left : 16;
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

// kPositions neighbouring windows of K x K taps, S columns apart, over 16 channels: what a column
// is widened and interleaved to serves every window that it lies in.
template <bool kUnsigned, int K, int S, int kPositions>
struct Windows {
  static constexpr int kBands = K / 2;
  static constexpr int kColumns = (kPositions - 1) * S + K;

  // Does column x meet a window in an even column of it, where pairs of the last row begin?
  static constexpr bool BeginsPair(int x) {
    for (int p = 0; p < kPositions; ++p) {
      if (x >= p * S && x - p * S < K && (x - p * S) % 2 == 0) return true;
    }
    return false;
  }

  // row[y] is where the first window begins, `step` apart its columns.
  static SKIFF_INLINE void Sum(const char* const (&row)[K], int64_t step, const char* w,
                               __m256i (&acc)[kPositions][2]) {
    SKIFF_UNROLL
    for (int p = 0; p < kPositions; ++p) acc[p][0] = acc[p][1] = _mm256_setzero_si256();
    SKIFF_UNROLL
    for (int x = 0; x < kColumns; ++x) {
      SKIFF_UNROLL
      for (int band = 0; band < kBands; ++band) {
        const __m256i a = Load<kUnsigned>(row[2 * band] + x * step);
        const __m256i b = Load<kUnsigned>(row[2 * band + 1] + x * step);
        const Pair pair = Interleave(a, b);
        SKIFF_UNROLL
        for (int p = 0; p < kPositions; ++p) {
          const int column = x - p * S;
          if (column < 0 || column >= K) continue;
          Add(pair, w + (band * K + column) * 64, acc[p]);
        }
      }
      if (!BeginsPair(x)) continue;
      // The last column of the last window meets weights of zero.
      const __m256i a = Load<kUnsigned>(row[K - 1] + x * step);
      const __m256i b = x + 1 < kColumns ? Load<kUnsigned>(row[K - 1] + (x + 1) * step) : a;
      const Pair pair = Interleave(a, b);
      SKIFF_UNROLL
      for (int p = 0; p < kPositions; ++p) {
        const int column = x - p * S;
        if (column < 0 || column >= K || column % 2 != 0) continue;
        Add(pair, w + (kBands * K + column / 2) * 64, acc[p]);
      }
    }
    SKIFF_UNROLL
    for (int p = 0; p < kPositions; ++p) InOrder(acc[p]);
  }

  // All channels of the positions from p on.
  static void Run(const DepthwiseTile& t, int64_t p) {
    const Epilogue e = *t.epilogue;  // a copy: stores to dst cannot change it
    const int64_t group_bytes = t.groups * 64;
    const char* w = static_cast<const char*>(t.weights);
    const char* first[K];
    SKIFF_UNROLL
    for (int y = 0; y < K; ++y) {
      const int slot = y == K - 1 ? kBands * 2 * K : y / 2 * 2 * K + y % 2;
      first[y] = static_cast<const char*>(t.taps[slot]) + p * t.position_step;
    }
    for (int64_t c = 0; c < t.channels; c += 16, w += group_bytes) {
      const char* row[K];
      SKIFF_UNROLL
      for (int y = 0; y < K; ++y) row[y] = first[y] + c;
      __m256i acc[kPositions][2];
      Sum(row, t.column_step, w, acc);
      ApplyEpilogueRows<kPositions>(e, acc, RowsAt(t, e, p, c));
    }
  }

  static void RunAll(const DepthwiseTile& t) {
    int64_t p = 0;
    for (; p + kPositions <= t.positions; p += kPositions) Run(t, p);
    for (; p + 2 <= t.positions; p += 2) Windows<kUnsigned, K, S, 2>::Run(t, p);
    for (; p < t.positions; ++p) Windows<kUnsigned, K, S, 1>::Run(t, p);
  }
};

// One position, whatever its window.
template <bool kUnsigned>
void RunOne(const DepthwiseTile& t, int64_t p) {
  const char* w = static_cast<const char*>(t.weights);
  for (int64_t c = 0; c < t.channels; c += 16) {
    const int64_t at = p * t.position_step + c;
    __m256i acc[1][2] = {{_mm256_setzero_si256(), _mm256_setzero_si256()}};
    for (int64_t pair = 0; pair < t.groups; ++pair, w += 64) {
      const __m256i a = Load<kUnsigned>(static_cast<const char*>(t.taps[2 * pair]) + at);
      const __m256i b = Load<kUnsigned>(static_cast<const char*>(t.taps[2 * pair + 1]) + at);
      Add(Interleave(a, b), w, acc[0]);
    }
    InOrder(acc[0]);
    ApplyEpilogueRows<1>(*t.epilogue, acc, RowsAt(t, *t.epilogue, p, c));
  }
}

template <bool kUnsigned, int K>
bool RunSquare(const DepthwiseTile& t) {
  if (t.rows != K || t.columns != K) return false;
  if (t.position_step == t.column_step) {
    Windows<kUnsigned, K, 1, 4>::RunAll(t);
  } else if (t.position_step == 2 * t.column_step) {
    Windows<kUnsigned, K, 2, 4>::RunAll(t);
  } else {
    return false;
  }
  return true;
}

template <bool kUnsigned>
void Run(const DepthwiseTile& t) {
  if (RunSquare<kUnsigned, 3>(t) || RunSquare<kUnsigned, 5>(t)) return;
  for (int64_t p = 0; p < t.positions; ++p) RunOne<kUnsigned>(t, p);
}

}  // namespace
}  // namespace avx2

void depthwise_u8s8_c16_avx2(const DepthwiseTile& tile) { avx2::Run<true>(tile); }
void depthwise_s8s8_c16_avx2(const DepthwiseTile& tile) { avx2::Run<false>(tile); }

}  // namespace skiff::kernels
