#include "kernels/depthwise/depthwise_pairs.h"
#include "kernels/depthwise/depthwise_symbols.h"
#include "kernels/epilogue/epilogue_rows_avx2.h"

namespace skiff::kernels {
namespace {

struct Ops {
  using Vector = __m256i;

  static SKIFF_INLINE __m256i Zero() { return _mm256_setzero_si256(); }
  template <bool kUnsigned>
  static SKIFF_INLINE __m256i Widen(const char* p) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return kUnsigned ? _mm256_cvtepu8_epi16(codes) : _mm256_cvtepi8_epi16(codes);
  }
  static SKIFF_INLINE __m256i LoadWeights(const char* w) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(w));
  }
  static SKIFF_INLINE __m256i UnpackLow(__m256i a, __m256i b) {
    return _mm256_unpacklo_epi16(a, b);
  }
  static SKIFF_INLINE __m256i UnpackHigh(__m256i a, __m256i b) {
    return _mm256_unpackhi_epi16(a, b);
  }
  static SKIFF_INLINE __m256i MultiplyAdd(__m256i acc, __m256i x, __m256i w) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w));
  }
  // Sums are of channels 0-3 | 8-11 and 4-7 | 12-15.
  struct AnyFinish {
    template <int P>
    static SKIFF_INLINE void Finish(const Epilogue& e, const EpilogueRows& rows,
                                    const __m256i (&acc)[P][2]) {
      __m256i sorted[P][2];
      SKIFF_UNROLL
      for (int p = 0; p < P; ++p) {
        sorted[p][0] = _mm256_permute2x128_si256(acc[p][0], acc[p][1], 0x20);
        sorted[p][1] = _mm256_permute2x128_si256(acc[p][0], acc[p][1], 0x31);
      }
      avx2::FinishAny<P, 2>(e, sorted, rows);
    }
  };
  template <typename Kind>
  struct CodesFinish {
    template <int P>
    static SKIFF_INLINE void Finish(const Epilogue& e, const EpilogueRows& rows,
                                    const __m256i (&acc)[P][2]) {
      if (rows.n != 16) return AnyFinish::Finish(e, rows, acc);
      avx2::StoreWide<Kind, avx2::Unpacked>(e, acc, rows);
    }
  };
  template <bool kUnsigned, typename Run>
  static SKIFF_INLINE void ForFinish(const Epilogue& e, Run run) {
    const auto with = [&]<typename Kind>(Kind) { run(CodesFinish<Kind>()); };
    if (!ForDepthwiseCodes<kUnsigned>(e, with)) run(AnyFinish());
  }
};

}  // namespace

void depthwise_u8s8_c16_avx2(const DepthwiseTile& tile) { RunDepthwise<Pairs<Ops, true>>(tile); }
void depthwise_s8s8_c16_avx2(const DepthwiseTile& tile) { RunDepthwise<Pairs<Ops, false>>(tile); }

}  // namespace skiff::kernels
