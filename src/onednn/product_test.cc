#include "onednn/product.h"

#include <gtest/gtest.h>

#include <cmath>

#include "onednn/test_arrays.h"

namespace skiff::onednn {
namespace {

TEST(InnerProductTest, IsThePlainLoops) {
  const int64_t k = 37, n = 21;
  const auto bias = Noise(n, 3);
  for (const bool transposed : {false, true}) {
    const auto weights = Noise(k * n, 2);
    const Weights packed(weights.data(), nullptr);
    for (const int64_t m : {1, 2, 17}) {
      const auto src = Noise(m * k, 1);
      InnerProductSpec spec{k, n, transposed, bias.data(), {}};
      spec.epilogue.activation = Activation::kRelu;
      auto made = MakeInnerProduct(spec, m, packed, 1);
      ASSERT_TRUE(made.ok()) << made.status().ToString();
      std::vector<float> dst(static_cast<size_t>(m * n));
      const auto scratchpad = Scratchpad((*made)->scratchpad_bytes());
      ASSERT_TRUE(
          (*made)
              ->Execute({.src = src.data(), .dst = dst.data(), .scratchpad = scratchpad.get()}, 1)
              .ok());
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double sum = bias[static_cast<size_t>(j)];
          for (int64_t p = 0; p < k; ++p) {
            sum += double{src[static_cast<size_t>(i * k + p)]} *
                   weights[static_cast<size_t>(transposed ? j * k + p : p * n + j)];
          }
          EXPECT_NEAR(dst[static_cast<size_t>(i * n + j)], std::fmax(sum, 0.0), 1e-5);
        }
      }
    }
  }
}

TEST(BatchMatmulTest, BroadcastsAndTransposes) {
  const int64_t m = 3, k = 5, n = 4;
  for (const bool tl : {false, true}) {
    for (const bool tr : {false, true}) {
      const Dims left = tl ? Dims{2, 1, k, m} : Dims{2, 1, m, k};
      const Dims right = tr ? Dims{1, 3, n, k} : Dims{1, 3, k, n};
      BatchMatmulSpec spec{tl, tr, {}};
      spec.epilogue.scale = 0.5f;
      auto made = MakeBatchMatmul(spec, left, right, 1);
      ASSERT_TRUE(made.ok()) << made.status().ToString();
      const auto a = Noise(left.Numel(), 1), b = Noise(right.Numel(), 2);
      std::vector<float> dst(static_cast<size_t>(2 * 3 * m * n));
      const auto scratchpad = Scratchpad((*made)->scratchpad_bytes());
      ASSERT_TRUE((*made)->Execute({a.data(), b.data(), dst.data(), scratchpad.get()}, 1).ok());
      for (int64_t p = 0; p < 6; ++p) {
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            double sum = 0;
            for (int64_t q = 0; q < k; ++q) {
              sum += double{a[static_cast<size_t>(p / 3 * m * k + (tl ? q * m + i : i * k + q))]} *
                     b[static_cast<size_t>(p % 3 * k * n + (tr ? j * k + q : q * n + j))];
            }
            EXPECT_NEAR(dst[static_cast<size_t>((p * m + i) * n + j)], 0.5 * sum, 1e-5);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace skiff::onednn
