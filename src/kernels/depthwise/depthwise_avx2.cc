// Two taps of a channel are brought side by side by unpacking, so that one multiply-add takes both.
#include "kernels/depthwise/depthwise_symbols.h"
#include "kernels/epilogue/epilogue_rows_avx2.h"

namespace skiff::kernels {
namespace avx2 {
namespace {

SKIFF_AVX2_INLINE __m256i LoadWeights(const char* w) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(w));
}

// 16 channels of an output position that starts at channel c.
SKIFF_AVX2_INLINE void Store16(const DepthwiseTile& t, __m256i acc0, __m256i acc1, int64_t p,
                               int64_t c) {
  const Epilogue& e = *t.epilogue;
  const int64_t left = t.channels - c;
  const auto* residual = static_cast<const char*>(t.residual);
  if (residual != nullptr) residual += p * t.residual_stride + c * ElementBytes(e.residual);
  EpilogueRows out;
  out.channel = c;
  out.n = left < 16 ? left : 16;
  out.residual = residual;
  out.dst = static_cast<char*>(t.dst) + p * t.dst_stride + c * ElementBytes(e.store);
  const __m256i acc[1][2] = {{acc0, acc1}};
  ApplyEpilogueRows<1>(e, acc, out);
}

// Codes 0..127: two products fit in s16, and two such sums are widened by one maddwd.
struct BlockU7 {
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

  template <int kPairs>
  static SKIFF_AVX2_INLINE void Run(const DepthwiseTile& t, int64_t p, int64_t c, const char* w) {
    const int64_t pairs = kPairs > 0 ? kPairs : t.pairs;
    const int64_t at = p * t.position_step + c;
    __m256i acc[4];
    for (__m256i& a : acc) a = _mm256_setzero_si256();
    for (int64_t pair = 0; pair < pairs; pair += 2) {
      const Pair x = Multiply(t.taps, pair, at, w + 64 * pair);
      Pair y = {_mm256_setzero_si256(), _mm256_setzero_si256()};
      if (pair + 1 < pairs) y = Multiply(t.taps, pair + 1, at, w + 64 * pair + 64);
      acc[0] = Widen(acc[0], _mm256_unpacklo_epi16(x.low, y.low));
      acc[1] = Widen(acc[1], _mm256_unpackhi_epi16(x.low, y.low));
      acc[2] = Widen(acc[2], _mm256_unpacklo_epi16(x.high, y.high));
      acc[3] = Widen(acc[3], _mm256_unpackhi_epi16(x.high, y.high));
    }
    Store16(t, _mm256_permute2x128_si256(acc[0], acc[1], 0x20),
            _mm256_permute2x128_si256(acc[2], acc[3], 0x20), p, c);
    if (t.channels - c <= 16) return;
    Store16(t, _mm256_permute2x128_si256(acc[0], acc[1], 0x31),
            _mm256_permute2x128_si256(acc[2], acc[3], 0x31), p, c + 16);
  }
};

template <bool kUnsigned>
struct BlockWide {
  static constexpr int64_t kChannels = 16;

  static SKIFF_AVX2_INLINE __m256i Load(const void* const* taps, int64_t tap, int64_t at) {
    const __m128i codes =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(static_cast<const char*>(taps[tap]) + at));
    return kUnsigned ? _mm256_cvtepu8_epi16(codes) : _mm256_cvtepi8_epi16(codes);
  }

  template <int kPairs>
  static SKIFF_AVX2_INLINE void Run(const DepthwiseTile& t, int64_t p, int64_t c, const char* w) {
    const int64_t pairs = kPairs > 0 ? kPairs : t.pairs;
    const int64_t at = p * t.position_step + c;
    __m256i low = _mm256_setzero_si256();   // channels 0-3 | 8-11
    __m256i high = _mm256_setzero_si256();  // 4-7 | 12-15
    for (int64_t pair = 0; pair < pairs; ++pair, w += 64) {
      const __m256i a = Load(t.taps, 2 * pair, at);
      const __m256i b = Load(t.taps, 2 * pair + 1, at);
      low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), LoadWeights(w)));
      high = _mm256_add_epi32(high,
                              _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), LoadWeights(w + 32)));
    }
    Store16(t, _mm256_permute2x128_si256(low, high, 0x20),
            _mm256_permute2x128_si256(low, high, 0x31), p, c);
  }
};

template <typename Block, int kPairs>
void RunPairs(const DepthwiseTile& tile) {
  const DepthwiseTile t = tile;  // stores to dst cannot change it
  const int64_t block_bytes = t.pairs * 64;
  for (int64_t p = 0; p < t.positions; ++p) {
    const char* w = static_cast<const char*>(t.weights);
    for (int64_t c = 0; c < t.channels; c += Block::kChannels, w += block_bytes) {
      Block::template Run<kPairs>(t, p, c, w);
    }
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
