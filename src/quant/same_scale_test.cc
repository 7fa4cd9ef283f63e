#include "quant/same_scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skiff::quant {
namespace {

// The scales of the golden net's weight and of the same weight turned round. Real Paddle 2.6.2
// gives both those of the second, whose first channel is larger, and cuts half of the others off.
TEST(SameScaleTest, WeightsShareByChannel) {
  Ranges ranges;
  ThresholdsByWeight weights;
  weights["w0"] = {0.4058145F, 0.4576630F, 0.3812740F, 0.4519894F,
                   0.3495154F, 0.3903956F, 0.3720112F, 0.4127591F};
  weights["w1"] = {weights["w0"].rbegin(), weights["w0"].rend()};
  ASSERT_TRUE(ShareScales({{"w0", "w1"}}, &ranges, &weights).ok());
  EXPECT_EQ(weights["w0"], weights["w1"]);
  const std::vector<float> largest = {0.4127591F, 0.4576630F, 0.3903956F, 0.4519894F};
  EXPECT_EQ(std::vector<float>(weights["w0"].begin(), weights["w0"].begin() + 4), largest);
}

TEST(SameScaleTest, FactorsCountForTheirMemberAlone) {
  Ranges ranges;
  ranges["a"].threshold = 1;
  ranges["b"].threshold = 3;
  ThresholdsByWeight weights;
  ASSERT_TRUE(ShareScales({{"a#*#4", "b"}}, &ranges, &weights).ok());
  EXPECT_EQ(ranges["a"].threshold, 1);
  EXPECT_EQ(ranges["b"].threshold, 4);
  for (const char* bad : {"a#*#0", "a#*#-1", "a#/#x", "a#*#", "a#*#inf"}) {
    EXPECT_FALSE(ShareScales({{bad, "b"}}, &ranges, &weights).ok()) << bad;
  }
}

}  // namespace
}  // namespace skiff::quant
