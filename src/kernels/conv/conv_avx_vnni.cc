// vpdpbusd takes u8 codes as they are, four products a lane, exactly. Signed codes are read as
// code + 128 (a flipped sign bit, on a port that the multiplies leave free) and their sums start
// from what that adds, negated.
#include "kernels/conv/conv_dot_avx2.h"
#include "kernels/conv/conv_symbols.h"

namespace skiff::kernels {
namespace {

struct DotU8 : Dot256 {
  static constexpr int kTileRows = 6;
  static constexpr int kRows = kTileRows;
  static constexpr int kTallRows = kTileRows;
  static constexpr bool kStarts = true;

  static SKIFF_INLINE __m256i Start(const int32_t* /*start*/, int /*v*/) {
    return _mm256_setzero_si256();
  }
  static SKIFF_INLINE __m256i Add(__m256i acc, __m256i x, __m256i w) {
    return _mm256_dpbusd_avx_epi32(acc, x, w);
  }
};

struct DotS8 : DotU8 {
  static constexpr bool kStartsFromAll = true;

  static SKIFF_INLINE __m256i Broadcast(const char* x) {
    return _mm256_xor_si256(DotU8::Broadcast(x), _mm256_set1_epi8(-128));
  }
  static SKIFF_INLINE __m256i Start(const int32_t* start, int v) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(start) + v);
  }
};

}  // namespace

void conv_u8s8_6x16_avx_vnni(const ConvTile& tile) { RunConv<DotU8>(tile); }
void conv_s8s8_6x16_avx_vnni(const ConvTile& tile) { RunConv<DotS8>(tile); }

}  // namespace skiff::kernels
