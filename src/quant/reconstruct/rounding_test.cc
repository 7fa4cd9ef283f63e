#include "quant/reconstruct/rounding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace skiff::quant {
namespace {

using ::testing::ElementsAre;

const std::vector<float> kValues = {0.3F, -0.7F, 1.0F, 0.99F, -0.25F, 0.5F};

// Two channels of three values; steps 1 / 127 and 2 / 127 of 127 codes.
QuantizedWeight Weight() {
  QuantizedWeight weight;
  weight.axis = 0;
  weight.thresholds = {1.0F, 2.0F};
  for (size_t i = 0; i < kValues.size(); ++i) {
    const float step = weight.thresholds[i / 3] / 127;
    weight.codes.push_back(static_cast<int8_t>(std::nearbyint(kValues[i] / step)));
  }
  return weight;
}

SoftRounding Make(const QuantizedWeight& weight) {
  const std::vector<int64_t> dims = {2, 3};
  return {kValues, dims, weight};
}

TEST(SoftRoundingTest, StartsAtTheFloatWeightAndEndsAtTheNearestCodes) {
  const QuantizedWeight weight = Weight();
  const SoftRounding rounding = Make(weight);
  std::vector<float> soft(6);
  rounding.Soften(0, 6, soft.data());
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(soft[i], kValues[i], 1e-5) << i;
  EXPECT_EQ(rounding.Codes(), weight.codes);
  rounding.Harden(weight.codes, soft.data());
  EXPECT_FLOAT_EQ(soft[0], 38.0F / 127);
  EXPECT_FLOAT_EQ(soft[3], 63.0F * 2 / 127);
}

TEST(SoftRoundingTest, CodesThatAreNoNeighboursStay) {
  QuantizedWeight weight = Weight();
  weight.codes[1] = -80;
  EXPECT_EQ(Make(weight).Codes(), weight.codes);
}

// 0.3 of the first channel is 38.1 steps: down without a loss, up when the loss falls that way.
TEST(SoftRoundingTest, GradientsAndTheRegulariserDecide) {
  for (const float gradient : {-1.0F, 1.0F}) {
    SoftRounding rounding = Make(Weight());
    const std::vector<float> gradients(6, gradient);
    for (int t = 1; t <= 400; ++t) {
      rounding.Step(0, 6, gradients.data(), t > 200 ? 1e-6F : 0.0F, 4, 0.05F, t);
    }
    EXPECT_EQ(rounding.Codes()[0], gradient < 0 ? 39 : 38);
    EXPECT_EQ(rounding.Codes()[1], gradient < 0 ? -88 : -89);
    EXPECT_EQ(rounding.Codes()[2], 127);
  }
  SoftRounding rounding = Make(Weight());
  const std::vector<float> none(6, 0.0F);
  for (int t = 1; t <= 400; ++t) rounding.Step(0, 6, none.data(), 1.0F, 2, 0.05F, t);
  std::vector<float> soft(6);
  rounding.Soften(0, 6, soft.data());
  std::vector<float> hard(6);
  rounding.Harden(rounding.Codes(), hard.data());
  EXPECT_EQ(rounding.Codes(), Weight().codes);
  for (size_t i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(soft[i], hard[i]) << "settled";
}

}  // namespace
}  // namespace skiff::quant
