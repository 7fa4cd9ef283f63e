// The AVX2 kernels (conv_avx2.cc) with vectors of twice the width and a larger tile.
#include "kernels/conv/conv_dot_avx512bw.h"
#include "kernels/conv/conv_symbols.h"

namespace skiff::kernels {
namespace {

struct DotU7 : Dot512 {
  static SKIFF_INLINE __m512i Product(__m512i x, __m512i w) {
    return _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), _mm512_set1_epi16(1));
  }
};

struct DotU7PreAdd : DotU7 {
  static constexpr bool kPreAdd = true;

  static SKIFF_INLINE __m512i ProductOfTwo(__m512i x0, __m512i w0, __m512i x1, __m512i w1) {
    const __m512i pairs =
        _mm512_add_epi16(_mm512_maddubs_epi16(x0, w0), _mm512_maddubs_epi16(x1, w1));
    return _mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
  }
};

struct DotS16 : Dot512 {
  static SKIFF_INLINE __m512i Product(__m512i x, __m512i w) { return _mm512_madd_epi16(x, w); }
};

}  // namespace

void conv_u7s8_preadd_12x64_avx512bw(const ConvTile& tile) { RunConv<DotU7PreAdd>(tile); }
void conv_u7s8_12x64_avx512bw(const ConvTile& tile) { RunConv<DotU7>(tile); }
void conv_s16_12x64_avx512bw(const ConvTile& tile) { RunConv<DotS16>(tile); }

}  // namespace skiff::kernels
