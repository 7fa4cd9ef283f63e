#include "onednn/gemm.h"

#include <gtest/gtest.h>

#include <vector>

namespace skiff::onednn {
namespace {

// Rows are longer than what is read of them, so that a leading extent that is not heeded shows.
TEST(GemmTest, EveryTransposition) {
  constexpr int64_t kM = 3;
  constexpr int64_t kN = 5;
  constexpr int64_t kK = 4;
  for (int which = 0; which < 4; ++which) {
    GemmSpec spec{.m = kM, .n = kN, .k = kK, .beta = 1};
    spec.transpose_a = (which & 1) != 0;
    spec.transpose_b = (which & 2) != 0;
    spec.lda = 7;
    spec.ldb = 8;
    spec.ldc = 6;
    std::vector<float> a(7 * 8);
    std::vector<float> b(8 * 8);
    for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 11) - 5;
    for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 7) - 3;
    std::vector<float> c(kM * 6, 2);
    ASSERT_TRUE(Gemm(spec, a.data(), b.data(), c.data(), 1).ok());
    for (int64_t i = 0; i < kM; ++i) {
      for (int64_t j = 0; j < kN; ++j) {
        float sum = 2;
        for (int64_t k = 0; k < kK; ++k) {
          sum += a[static_cast<size_t>(spec.transpose_a ? k * 7 + i : i * 7 + k)] *
                 b[static_cast<size_t>(spec.transpose_b ? j * 8 + k : k * 8 + j)];
        }
        EXPECT_EQ(c[static_cast<size_t>(i * 6 + j)], sum) << which << " " << i << " " << j;
      }
      EXPECT_EQ(c[static_cast<size_t>(i * 6 + kN)], 2) << "past the row's end";
    }
  }
}

}  // namespace
}  // namespace skiff::onednn
