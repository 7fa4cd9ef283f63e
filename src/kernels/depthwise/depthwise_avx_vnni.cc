#include "kernels/depthwise/depthwise_quads_avx2.h"
#include "kernels/depthwise/depthwise_symbols.h"
#include "kernels/epilogue/epilogue_rows_avx2.h"

namespace skiff::kernels {
namespace {

struct Ops : QuadOpsAvx2 {
  using Narrow = void;
  static constexpr int64_t kVectorBytes = sizeof(Vector);
  static constexpr int kPositions = 2;  // 8 of the 16 registers are sums

  static SKIFF_INLINE __m256i Dot(__m256i acc, __m256i x, __m256i w) {
    return _mm256_dpbusd_avx_epi32(acc, x, w);
  }

  // Part i of a position holds channels 4 i to 4 i + 3 | 16 + 4 i to 16 + 4 i + 3.
  struct AnyFinish {
    template <int P>
    static SKIFF_INLINE void Finish(const Epilogue& e, EpilogueRows rows,
                                    const __m256i (&acc)[P][4]) {
      const int64_t n = rows.n;
      rows.n = n < 16 ? n : 16;
      FinishHalf<0x20>(e, rows, acc);
      if (n <= 16) return;
      rows.n = n - 16;
      rows.channel += 16;
      rows.dst = static_cast<char*>(rows.dst) + 16 * ElementBytes(e.store);
      if (rows.residual != nullptr) {
        rows.residual = static_cast<const char*>(rows.residual) + 16 * ElementBytes(e.residual);
      }
      FinishHalf<0x31>(e, rows, acc);
    }
    template <int kLanes, int P>
    static SKIFF_INLINE void FinishHalf(const Epilogue& e, const EpilogueRows& rows,
                                        const __m256i (&acc)[P][4]) {
      __m256i half[P][2];
      SKIFF_UNROLL
      for (int p = 0; p < P; ++p) {
        half[p][0] = _mm256_permute2x128_si256(acc[p][0], acc[p][1], kLanes);
        half[p][1] = _mm256_permute2x128_si256(acc[p][2], acc[p][3], kLanes);
      }
      avx2::FinishAny<P, 2>(e, half, rows);
    }
  };
  template <typename Kind>
  struct CodesFinish {
    template <int P>
    static SKIFF_INLINE void Finish(const Epilogue& e, const EpilogueRows& rows,
                                    const __m256i (&acc)[P][4]) {
      if (rows.n != 32) return AnyFinish::Finish(e, rows, acc);
      avx2::StoreQuads<Kind>(e, acc, rows, [](__m256i codes, char* dst) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst), codes);
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

void depthwise_u8s8_c32_avx_vnni(const DepthwiseTile& tile) {
  RunDepthwise<Quads<Ops, true>>(tile);
}
void depthwise_s8s8_c32_avx_vnni(const DepthwiseTile& tile) {
  RunDepthwise<Quads<Ops, false>>(tile);
}

}  // namespace skiff::kernels
