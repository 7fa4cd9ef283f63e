#include "kernels/depthwise/depthwise_pairs.h"
#include "kernels/depthwise/depthwise_symbols.h"
#include "kernels/epilogue/epilogue_rows_avx512bw.h"

namespace skiff::kernels {
namespace {

struct Ops {
  using Vector = __m512i;

  static SKIFF_INLINE __m512i Zero() { return _mm512_setzero_si512(); }
  template <bool kUnsigned>
  static SKIFF_INLINE __m512i Widen(const char* p) {
    const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return kUnsigned ? _mm512_cvtepu8_epi16(codes) : _mm512_cvtepi8_epi16(codes);
  }
  static SKIFF_INLINE __m512i LoadWeights(const char* w) { return _mm512_load_si512(w); }
  static SKIFF_INLINE __m512i UnpackLow(__m512i a, __m512i b) {
    return _mm512_unpacklo_epi16(a, b);
  }
  static SKIFF_INLINE __m512i UnpackHigh(__m512i a, __m512i b) {
    return _mm512_unpackhi_epi16(a, b);
  }
  static SKIFF_INLINE __m512i MultiplyAdd(__m512i acc, __m512i x, __m512i w) {
    return _mm512_add_epi32(acc, _mm512_madd_epi16(x, w));
  }
  // Sums are of channels 0-3 | 8-11 | 16-19 | 24-27 and 4-7 | 12-15 | 20-23 | 28-31.
  struct AnyFinish {
    template <int P>
    static SKIFF_INLINE void Finish(const Epilogue& e, const EpilogueRows& rows,
                                    const __m512i (&acc)[P][2]) {
      alignas(64) int32_t sums[P][32];
      SKIFF_UNROLL
      for (int p = 0; p < P; ++p) {
        _mm512_store_si512(sums[p],
                           _mm512_permutex2var_epi64(
                               acc[p][0], _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), acc[p][1]));
        _mm512_store_si512(
            sums[p] + 16, _mm512_permutex2var_epi64(
                              acc[p][0], _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), acc[p][1]));
      }
      avx512bw::ApplyEpilogueRows<2>(e, sums[0], P, rows);
    }
  };
  template <typename Kind>
  struct CodesFinish {
    template <int P>
    static SKIFF_INLINE void Finish(const Epilogue& e, const EpilogueRows& rows,
                                    const __m512i (&acc)[P][2]) {
      avx512bw::StoreByHalves<Kind>(e, acc, rows);
    }
  };
  template <bool kUnsigned, typename Run>
  static SKIFF_INLINE void ForFinish(const Epilogue& e, Run run) {
    const auto with = [&]<typename Kind>(Kind) { run(CodesFinish<Kind>()); };
    if (!ForDepthwiseCodes<kUnsigned>(e, with)) run(AnyFinish());
  }
};

}  // namespace

void depthwise_u8s8_c32_avx512bw(const DepthwiseTile& tile) {
  RunDepthwise<Pairs<Ops, true>>(tile);
}
void depthwise_s8s8_c32_avx512bw(const DepthwiseTile& tile) {
  RunDepthwise<Pairs<Ops, false>>(tile);
}

}  // namespace skiff::kernels
