// Two taps of a channel are brought side by side by unpacking, so that one multiply-add takes both.
#include "kernels/depthwise/depthwise_symbols.h"
#include "kernels/epilogue/epilogue_rows_avx2.h"

namespace skiff::kernels {
namespace avx2 {
namespace {

SKIFF_AVX2_INLINE __m256i LoadWeights(const char* w) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(w));
}

// Where 16 channels from c on of position p come from and go to.
SKIFF_AVX2_INLINE EpilogueRows RowsAt(const DepthwiseTile& t, const Epilogue& e, int64_t p,
                                      int64_t c) {
  const int64_t left = t.channels - c;
  EpilogueRows out;
  out.channel = c;
  out.n = left < 16 ? left : 16;
  out.residual = t.residual;
  if (t.residual != nullptr) {
    out.residual =
        static_cast<const char*>(t.residual) + p * t.residual_stride + c * ElementBytes(e.residual);
  }
  out.dst = static_cast<char*>(t.dst) + p * t.dst_stride + c * ElementBytes(e.store);
  return out;
}

// Codes 0..127: two products fit in s16, and two such sums are widened by one maddwd.
struct BlockU7 {
  static constexpr int kRows = 2;
  static constexpr int64_t kChannels = 32;

  static SKIFF_AVX2_INLINE __m256i Load(const void* const* taps, int64_t tap, int64_t at) {
    return _mm256_loadu_si256(
        reinterpret_cast<const __m256i*>(static_cast<const char*>(taps[tap]) + at));
  }

  struct Pair {
    __m256i low, high;  // channels 0-7 | 16-23, 8-15 | 24-31
  };
  static SKIFF_AVX2_INLINE Pair Multiply(const void* const* taps, int64_t pair, int64_t at,
                                         const char* w) {
    const __m256i a = Load(taps, 2 * pair, at);
    const __m256i b = Load(taps, 2 * pair + 1, at);
    return {_mm256_maddubs_epi16(_mm256_unpacklo_epi8(a, b), LoadWeights(w)),
            _mm256_maddubs_epi16(_mm256_unpackhi_epi8(a, b), LoadWeights(w + 32))};
  }

  static SKIFF_AVX2_INLINE __m256i Widen(__m256i acc, __m256i pairs) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }

  // Sums of channels c to c + 31, 16 a row.
  template <int kPairs>
  static SKIFF_AVX2_INLINE void Sum(const DepthwiseTile& t, int64_t at, const char* w,
                                    __m256i (&sums)[2][2]) {
    const int64_t pairs = kPairs > 0 ? kPairs : t.pairs;
    __m256i acc0 = _mm256_setzero_si256();
    __m256i acc1 = _mm256_setzero_si256();
    __m256i acc2 = _mm256_setzero_si256();
    __m256i acc3 = _mm256_setzero_si256();
    SKIFF_AVX2_UNROLL
    for (int64_t pair = 0; pair < pairs; pair += 2) {
      const Pair x = Multiply(t.taps, pair, at, w + 64 * pair);
      Pair y = {_mm256_setzero_si256(), _mm256_setzero_si256()};
      if (pair + 1 < pairs) y = Multiply(t.taps, pair + 1, at, w + 64 * pair + 64);
      acc0 = Widen(acc0, _mm256_unpacklo_epi16(x.low, y.low));
      acc1 = Widen(acc1, _mm256_unpackhi_epi16(x.low, y.low));
      acc2 = Widen(acc2, _mm256_unpacklo_epi16(x.high, y.high));
      acc3 = Widen(acc3, _mm256_unpackhi_epi16(x.high, y.high));
    }
    sums[0][0] = _mm256_permute2x128_si256(acc0, acc1, 0x20);
    sums[0][1] = _mm256_permute2x128_si256(acc2, acc3, 0x20);
    sums[1][0] = _mm256_permute2x128_si256(acc0, acc1, 0x31);
    sums[1][1] = _mm256_permute2x128_si256(acc2, acc3, 0x31);
  }
};

template <bool kUnsigned>
struct BlockWide {
  static constexpr int kRows = 1;
  static constexpr int64_t kChannels = 16;

  static SKIFF_AVX2_INLINE __m256i Load(const void* const* taps, int64_t tap, int64_t at) {
    const __m128i codes =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(static_cast<const char*>(taps[tap]) + at));
    return kUnsigned ? _mm256_cvtepu8_epi16(codes) : _mm256_cvtepi8_epi16(codes);
  }

  // Sums of channels c to c + 15.
  template <int kPairs>
  static SKIFF_AVX2_INLINE void Sum(const DepthwiseTile& t, int64_t at, const char* w,
                                    __m256i (&sums)[1][2]) {
    const int64_t pairs = kPairs > 0 ? kPairs : t.pairs;
    __m256i low = _mm256_setzero_si256();   // channels 0-3 | 8-11
    __m256i high = _mm256_setzero_si256();  // 4-7 | 12-15
    SKIFF_AVX2_UNROLL
    for (int64_t pair = 0; pair < pairs; ++pair, w += 64) {
      const __m256i a = Load(t.taps, 2 * pair, at);
      const __m256i b = Load(t.taps, 2 * pair + 1, at);
      low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), LoadWeights(w)));
      high = _mm256_add_epi32(high,
                              _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), LoadWeights(w + 32)));
    }
    sums[0][0] = _mm256_permute2x128_si256(low, high, 0x20);
    sums[0][1] = _mm256_permute2x128_si256(low, high, 0x31);
  }
};

// All channels of one position by any epilogue, from channel c on.
template <typename Block, int kPairs>
__attribute__((noinline)) void RunAnyEpilogue(const DepthwiseTile& t, int64_t p, int64_t c) {
  const char* w = static_cast<const char*>(t.weights) + c / Block::kChannels * t.pairs * 64;
  for (; c < t.channels; c += Block::kChannels, w += t.pairs * 64) {
    __m256i sums[Block::kRows][2];
    Block::template Sum<kPairs>(t, p * t.position_step + c, w, sums);
    SKIFF_AVX2_UNROLL
    for (int r = 0; r < Block::kRows; ++r) {
      if (c + 16 * r >= t.channels) break;
      const __m256i row[1][2] = {{sums[r][0], sums[r][1]}};
      ApplyEpilogueRows<1>(*t.epilogue, row, RowsAt(t, *t.epilogue, p, c + 16 * r));
    }
  }
}

// The epilogue of nearly every layer: whole blocks without a test or a call.
template <typename Block, int kPairs, bool kResidual>
void RunFastEpilogue(const DepthwiseTile& tile) {
  const DepthwiseTile t = tile;  // copies: stores to dst cannot change them
  const Epilogue e = *tile.epilogue;
  const int64_t whole = t.channels / Block::kChannels * Block::kChannels;
  for (int64_t p = 0; p < t.positions; ++p) {
    const char* w = static_cast<const char*>(t.weights);
    for (int64_t c = 0; c < whole; c += Block::kChannels, w += t.pairs * 64) {
      __m256i sums[Block::kRows][2];
      Block::template Sum<kPairs>(t, p * t.position_step + c, w, sums);
      SKIFF_AVX2_UNROLL
      for (int r = 0; r < Block::kRows; ++r) {
        const __m256i row[1][2] = {{sums[r][0], sums[r][1]}};
        EpilogueRows out = RowsAt(t, e, p, c + 16 * r);
        out.n = 16;
        ApplyEpilogueFast<1, kResidual>(e, row, out);
      }
    }
    if (whole < t.channels) RunAnyEpilogue<Block, kPairs>(tile, p, whole);
  }
}

template <typename Block, int kPairs>
void RunPairs(const DepthwiseTile& t) {
  if (!IsFast(*t.epilogue)) {
    for (int64_t p = 0; p < t.positions; ++p) RunAnyEpilogue<Block, kPairs>(t, p, 0);
  } else if (t.residual == nullptr) {
    RunFastEpilogue<Block, kPairs, false>(t);
  } else {
    RunFastEpilogue<Block, kPairs, true>(t);
  }
}

template <typename Block>
void Run(const DepthwiseTile& t) {
  if (t.pairs == 5) {  // 3 x 3
    RunPairs<Block, 5>(t);
  } else if (t.pairs == 13) {  // 5 x 5
    RunPairs<Block, 13>(t);
  } else {
    RunPairs<Block, 0>(t);
  }
}

}  // namespace
}  // namespace avx2

void depthwise_u7s8_c32_avx2(const DepthwiseTile& tile) { avx2::Run<avx2::BlockU7>(tile); }
void depthwise_u8s8_c16_avx2(const DepthwiseTile& tile) { avx2::Run<avx2::BlockWide<true>>(tile); }
void depthwise_s8s8_c16_avx2(const DepthwiseTile& tile) { avx2::Run<avx2::BlockWide<false>>(tile); }

}  // namespace skiff::kernels
