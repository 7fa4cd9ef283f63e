// Zen 3 and Haswell alike issue two 256-bit multiplies a cycle: maddubs + maddwd + add make 32
// multiply-adds of u7 x s8 in one cycle; maddwd on s16 makes as many, from twice the bytes.
#include "kernels/conv/conv_dot_avx2.h"
#include "kernels/conv/conv_symbols.h"

namespace skiff::kernels {
namespace {

// One step: 4 inputs of one position times 8 channels.
struct DotU7 : Dot256 {
  static constexpr int kTileRows = 4;
  static constexpr int kRows = kTileRows;
  static constexpr int kTallRows = kTileRows;

  static SKIFF_INLINE __m256i Product(__m256i x, __m256i w) {
    return _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1));
  }
};

// Two steps at once, their products added in s16, which the packing has made safe: 3 multiplies
// instead of 4.
struct DotU7PreAdd : DotU7 {
  static constexpr bool kPreAdd = true;

  static SKIFF_INLINE __m256i ProductOfTwo(__m256i x0, __m256i w0, __m256i x1, __m256i w1) {
    const __m256i pairs =
        _mm256_add_epi16(_mm256_maddubs_epi16(x0, w0), _mm256_maddubs_epi16(x1, w1));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
  }
};

// One step: 2 widened inputs of one position times 8 channels.
struct DotS16 : Dot256 {
  static constexpr int kTileRows = 6;
  static constexpr int kRows = kTileRows;
  static constexpr int kTallRows = kTileRows;

  static SKIFF_INLINE __m256i Product(__m256i x, __m256i w) { return _mm256_madd_epi16(x, w); }
};

}  // namespace

void conv_u7s8_preadd_4x16_avx2(const ConvTile& tile) { RunConv<DotU7PreAdd>(tile); }
void conv_u7s8_4x16_avx2(const ConvTile& tile) { RunConv<DotU7>(tile); }
void conv_s16_6x16_avx2(const ConvTile& tile) { RunConv<DotS16>(tile); }

}  // namespace skiff::kernels
