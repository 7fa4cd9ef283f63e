// Where strides are hoisted, a model computes the bytes that it computes without.
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/testing/two_stages.h"

namespace skiff::runtime {
namespace {

using testing::TwoStages;

TEST(HoistedStrides, ComputeTheSame) {
  for (const Precision precision : {Precision::kFp32, Precision::kInt8}) {
    for (const int64_t extent : {8, 9}) {
      const TwoStages net(extent);
      const auto runs = {net.Run(net.Options(precision, false)),
                         net.Run(net.Options(precision, true))};
      for (const auto& run : runs) ASSERT_TRUE(run.ok()) << run.status().ToString();
      const TwoStages::Outcome& whole = **runs.begin();
      const TwoStages::Outcome& hoisted = **(runs.begin() + 1);
      EXPECT_EQ(hoisted.float_convolutions == 0, precision == Precision::kInt8);
      EXPECT_EQ(whole.pools, 0);
      EXPECT_EQ(hoisted.pools, 1);
      // The 3x3 and the expanding convolution of the block do a quarter.
      const int64_t all = 2 * extent * extent * (8 * 8 * 9 + 8 * 16);
      const int64_t kept = 2 * ((extent + 1) / 2) * ((extent + 1) / 2) * (8 * 8 * 9 + 8 * 16);
      EXPECT_EQ(whole.multiply_adds - hoisted.multiply_adds, all - kept);
      ASSERT_EQ(whole.output.size(), hoisted.output.size());
      for (size_t i = 0; i < whole.output.size(); ++i) {
        if (precision == Precision::kInt8) {
          ASSERT_EQ(whole.output[i], hoisted.output[i]) << i;
        } else {
          ASSERT_NEAR(whole.output[i], hoisted.output[i], 1e-5) << i;
        }
      }
      EXPECT_GT(*std::max_element(whole.output.begin(), whole.output.end()), 0);
    }
  }
}

}  // namespace
}  // namespace skiff::runtime
