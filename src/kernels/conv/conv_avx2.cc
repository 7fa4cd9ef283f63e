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

  // In this order, which GCC does not keep: on Zen 3 a step of 6 x 2 vectors takes 7.5 cycles, and
  // 8 to 10 where products and additions alternate.
  static constexpr bool kAddsRows = true;
  static SKIFF_INLINE void AddRow(__m256i (&acc)[2], const char* x, const __m256i (&w)[2]) {
    struct Step {
      char inputs[4];
    };
    __m256i first;
    __m256i second;
    __asm__(
        "vpbroadcastd %[x], %[second]\n\t"
        "vpmaddwd %[w0], %[second], %[first]\n\t"
        "vpmaddwd %[w1], %[second], %[second]\n\t"
        "vpaddd %[second], %[acc1], %[acc1]\n\t"
        "vpaddd %[first], %[acc0], %[acc0]"
        : [acc0] "+x"(acc[0]), [acc1] "+x"(acc[1]), [first] "=&x"(first), [second] "=&x"(second)
        : [x] "m"(*reinterpret_cast<const Step*>(x)), [w0] "x"(w[0]), [w1] "x"(w[1]));
  }
};

}  // namespace

void conv_u7s8_preadd_4x16_avx2(const ConvTile& tile) { RunConv<DotU7PreAdd>(tile); }
void conv_u7s8_4x16_avx2(const ConvTile& tile) { RunConv<DotU7>(tile); }
void conv_s16_6x16_avx2(const ConvTile& tile) { RunConv<DotS16>(tile); }

}  // namespace skiff::kernels
