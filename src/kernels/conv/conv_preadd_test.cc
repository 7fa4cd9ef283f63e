#include "kernels/conv/conv_preadd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace skiff::kernels {
namespace {

constexpr int64_t kStepBytes = 16 * 4;
constexpr int kMostOfLane = 32767 / 127;

using Weights = std::vector<int8_t>;

Weights Random(int64_t taps, int64_t steps, float sigma) {
  std::mt19937 engine(1);
  std::normal_distribution<float> normal(0, sigma);
  Weights weights(static_cast<size_t>(taps * steps * kStepBytes));
  for (int8_t& w : weights) w = static_cast<int8_t>(std::clamp(normal(engine), -128.0F, 127.0F));
  return weights;
}

bool IsSafe(const int8_t* step) {
  for (int64_t lane = 0; lane < kStepBytes; lane += 2) {
    int positive = 0;
    int negative = 0;
    for (const int64_t i : {lane, lane + 1, kStepBytes + lane, kStepBytes + lane + 1}) {
      positive += std::max<int>(step[i], 0);
      negative -= std::min<int>(step[i], 0);
    }
    if (std::max(positive, negative) > kMostOfLane) return false;
  }
  return true;
}

// The weights that a panel stands for, every step at the place of its inputs.
Weights Restored(const Weights& packed, const PreAddedConv& made, int64_t taps, int64_t steps) {
  Weights weights(packed.size());
  const auto add = [&](int64_t tap, int32_t offset, const int8_t* from) {
    int8_t* to = weights.data() + (tap * steps + offset / 4) * kStepBytes;
    for (int64_t i = 0; i < kStepBytes; ++i) to[i] = static_cast<int8_t>(to[i] + from[i]);
  };
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t s = 0; s < steps; ++s) {
      add(tap, made.OrderOf(0, taps)[tap * made.order_tap + s],
          packed.data() + (tap * steps + s) * kStepBytes);
    }
  }
  for (size_t f = 0; f < made.fixups.size(); ++f) {
    add(made.fixups[f].tap, made.fixups[f].offset,
        made.fixup_weights.As<int8_t>() + static_cast<int64_t>(f) * kStepBytes);
  }
  return weights;
}

class PreAddPairsTest : public ::testing::TestWithParam<float> {};

TEST_P(PreAddPairsTest, EveryPairIsSafeAndNoWeightIsLost) {
  for (const int64_t steps : {1, 2, 3, 16, 37}) {
    for (const int64_t taps : {1, 3}) {
      const Weights weights = Random(taps, steps, GetParam());
      Weights packed = weights;
      PreAddPairs pairs(taps, steps, kStepBytes);
      pairs.AddPanel(packed.data());
      const PreAddedConv made = std::move(pairs).Finish();
      ASSERT_TRUE(Restored(packed, made, taps, steps) == weights) << steps << " steps";
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int8_t* of_tap = packed.data() + tap * steps * kStepBytes;
        for (int64_t s = 0; s + 1 < steps; s += 2) {
          ASSERT_TRUE(IsSafe(of_tap + s * kStepBytes)) << "step " << s << " of " << steps;
        }
        if (steps % 2 == 1) {
          EXPECT_EQ(made.OrderOf(0, taps)[tap * made.order_tap + steps - 1], 4 * (steps - 1));
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sigmas, PreAddPairsTest, ::testing::Values(20.0F, 45.0F, 60.0F, 120.0F));

TEST(PreAddPairsTest, OtherPartnersAreFoundBeforeWeightsAreTakenOut) {
  // Steps 0 and 1 are heavy, the others light.
  Weights weights(4 * kStepBytes, 1);
  std::fill(weights.begin(), weights.begin() + 2 * kStepBytes, int8_t{100});
  PreAddPairs pairs(1, 4, kStepBytes);
  pairs.AddPanel(weights.data());
  const PreAddedConv made = std::move(pairs).Finish();
  EXPECT_TRUE(made.fixups.empty());
  EXPECT_EQ(made.order, (std::vector<int32_t>{0, 8, 4, 12}));
}

TEST(PreAddPairsTest, OneOrderServesPanelsThatNeedNone) {
  Weights weights(2 * 3 * 8 * kStepBytes, 1);
  PreAddPairs pairs(3, 8, kStepBytes);
  pairs.AddPanel(weights.data());
  pairs.AddPanel(weights.data() + 3 * 8 * kStepBytes);
  const PreAddedConv made = std::move(pairs).Finish();
  EXPECT_EQ(made.order.size(), 8U);
  EXPECT_EQ(made.OrderOf(1, 3), made.OrderOf(0, 3));
}

}  // namespace
}  // namespace skiff::kernels
