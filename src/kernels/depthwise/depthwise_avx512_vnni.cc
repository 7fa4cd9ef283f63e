#include "kernels/depthwise/depthwise_quads_avx2.h"
#include "kernels/depthwise/depthwise_symbols.h"
#include "kernels/epilogue/epilogue_rows_avx2.h"
#include "kernels/epilogue/epilogue_rows_avx512bw.h"

namespace skiff::kernels {
namespace {

// Up to 32 channels: the lower halves of the vectors of 64.
struct HalfOps : QuadOpsAvx2 {
  using Narrow = void;
  using AnyFinish = void;
  static constexpr int64_t kVectorBytes = 64;

  static SKIFF_INLINE __m256i Dot(__m256i acc, __m256i x, __m256i w) {
    return _mm256_dpbusd_epi32(acc, x, w);
  }
};

struct Ops {
  using Vector = __m512i;
  using Narrow = HalfOps;
  static constexpr int64_t kVectorBytes = sizeof(Vector);
  static constexpr int kPositions = 4;  // 16 of the 32 registers are sums

  static SKIFF_INLINE __m512i Zero() { return _mm512_setzero_si512(); }
  static SKIFF_INLINE __m512i Load(const char* p) { return _mm512_loadu_si512(p); }
  static SKIFF_INLINE __m512i LoadWeights(const char* w) { return _mm512_load_si512(w); }
  static SKIFF_INLINE __m512i FlipSigns(__m512i x) {
    return _mm512_xor_si512(x, _mm512_set1_epi8(-128));
  }
  static SKIFF_INLINE __m512i UnpackLow8(__m512i a, __m512i b) {
    return _mm512_unpacklo_epi8(a, b);
  }
  static SKIFF_INLINE __m512i UnpackHigh8(__m512i a, __m512i b) {
    return _mm512_unpackhi_epi8(a, b);
  }
  static SKIFF_INLINE __m512i UnpackLow16(__m512i a, __m512i b) {
    return _mm512_unpacklo_epi16(a, b);
  }
  static SKIFF_INLINE __m512i UnpackHigh16(__m512i a, __m512i b) {
    return _mm512_unpackhi_epi16(a, b);
  }
  static SKIFF_INLINE __m512i Dot(__m512i acc, __m512i x, __m512i w) {
    return _mm512_dpbusd_epi32(acc, x, w);
  }

  // Lane l of part i holds channels 16 l + 4 i to 16 l + 4 i + 3.
  struct AnyFinish {
    template <int P>
    static SKIFF_INLINE void Finish(const Epilogue& e, const EpilogueRows& rows,
                                    __m512i (&acc)[P][4]) {
      const bool by_lanes = avx512bw::TakesLanes(e);
      alignas(64) int32_t sums[P][64];
      SKIFF_UNROLL
      for (int p = 0; p < P; ++p) {
        if (!by_lanes) avx512bw::TransposeLanes(acc[p]);
        SKIFF_UNROLL
        for (int i = 0; i < 4; ++i) _mm512_store_si512(sums[p] + 16 * i, acc[p][i]);
      }
      if (by_lanes) {
        avx512bw::ApplyEpilogueRowsByLanes(e, sums[0], P, rows);
      } else {
        avx512bw::ApplyEpilogueRows<4>(e, sums[0], P, rows);
      }
    }
  };
  template <typename Kind>
  struct CodesFinish {
    static constexpr bool kTakesNarrow = true;

    template <int P>
    static SKIFF_INLINE void Finish(const Epilogue& e, const EpilogueRows& rows,
                                    const __m512i (&acc)[P][4]) {
      avx512bw::StoreByLanes<Kind>(e, acc, rows);
    }
    template <int P>
    static SKIFF_INLINE void Finish(const Epilogue& e, const EpilogueRows& rows,
                                    const __m256i (&acc)[P][4]) {
      avx2::StoreQuads<Kind>(e, acc, rows, [&](__m256i codes, char* dst) {
        avx512bw::StoreBytes(codes, rows.n, dst);
      });
    }
  };
  template <bool kUnsigned, typename Run>
  static SKIFF_INLINE void ForFinish(const Epilogue& e, Run run) {
    const auto with = [&]<typename Kind>(Kind) { run(CodesFinish<Kind>()); };
    if (!ForDepthwiseCodes<kUnsigned>(e, with)) run(AnyFinish());
  }
};

}  // namespace

void depthwise_u8s8_c64_avx512_vnni(const DepthwiseTile& tile) {
  RunDepthwise<Quads<Ops, true>>(tile);
}
void depthwise_s8s8_c64_avx512_vnni(const DepthwiseTile& tile) {
  RunDepthwise<Quads<Ops, false>>(tile);
}

}  // namespace skiff::kernels
