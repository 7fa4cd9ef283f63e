#include "runtime/batch_split.h"

#include <gtest/gtest.h>

namespace skiff::runtime {
namespace {

constexpr CacheSizes kCaches = {.l2 = size_t{1} << 20, .l3 = size_t{32} << 20};

// Passes on as much as it takes.
StepTraffic Step(int64_t images, int64_t image_bytes, int64_t weight_bytes = 0) {
  return {images, images * image_bytes, images * image_bytes, weight_bytes};
}

// The parts of each range, ranges that cover all steps in order.
std::vector<int64_t> Parts(const std::vector<StepTraffic>& steps, int threads = 1) {
  std::vector<int64_t> parts;
  size_t at = 0;
  BatchSplitter splitter;
  for (const StepRange& range : splitter.Split(steps, kCaches, threads)) {
    EXPECT_EQ(range.begin, at);
    EXPECT_LT(range.begin, range.end);
    at = range.end;
    for (size_t s = range.begin; s < range.end && range.parts > 1; ++s) {
      EXPECT_EQ(steps[s].images % range.parts, 0);
      EXPECT_EQ(steps[s].images, steps[range.begin].images);
    }
    parts.push_back(range.parts);
  }
  EXPECT_EQ(at, steps.size());
  return parts;
}

using List = std::vector<int64_t>;

TEST(BatchSplitter, WhatFitsL2IsLeftWhole) {
  EXPECT_EQ(Parts({Step(32, 1 << 10), Step(32, 1 << 10)}), List{1});
  EXPECT_EQ(Parts({}), List{});
}

TEST(BatchSplitter, AsManyImagesAsFit) {
  // 128 KiB in and out: 6 of them fill what a plan takes of L2, and 4 is the next divisor.
  EXPECT_EQ(Parts({Step(32, 64 << 10), Step(32, 64 << 10), Step(32, 64 << 10)}), List{8});
  EXPECT_EQ(Parts({Step(32, 64 << 10), Step(32, 64 << 10), Step(32, 64 << 10)}, 2), List{4});
  EXPECT_EQ(Parts({Step(7, 256 << 10), Step(7, 256 << 10)}), List{7});
}

TEST(BatchSplitter, WhereImagesShrinkAndWeightsGrowMoreAreTakenTogether) {
  const StepTraffic early = Step(32, 256 << 10, 1 << 10);
  const StepTraffic late = Step(32, 32 << 10, 1 << 20);
  const std::vector<StepTraffic> steps = {early, early, early, late, late, late};
  EXPECT_EQ(Parts(steps), (List{32, 2}));
}

TEST(BatchSplitter, EveryThreadGetsAnImage) {
  EXPECT_EQ(Parts({Step(32, 6 << 20), Step(32, 6 << 20)}, 1), List{32});
  EXPECT_EQ(Parts({Step(32, 6 << 20), Step(32, 6 << 20)}, 2), List{16});
  EXPECT_EQ(Parts({Step(3, 6 << 20), Step(3, 6 << 20)}, 2), List{1});
}

TEST(BatchSplitter, WeightsThatOutweighImagesKeepTheBatchTogether) {
  EXPECT_EQ(Parts({Step(32, 32 << 10, 64 << 20), Step(32, 32 << 10, 64 << 20)}), List{1});
}

TEST(BatchSplitter, ImagesLargerThanL2ComeOneByOne) {
  EXPECT_EQ(Parts({Step(8, 8 << 20), Step(8, 8 << 20)}), List{8});
}

TEST(BatchSplitter, StepsThatTakeAllAreRunOnce) {
  StepTraffic all = Step(32, 256 << 10);
  all.images = 0;
  EXPECT_EQ(Parts({Step(32, 256 << 10), Step(32, 256 << 10), all, Step(32, 256 << 10),
                   Step(32, 256 << 10)}),
            (List{32, 1, 32}));
}

TEST(BatchSplitter, OtherImagesAreAnotherRange) {
  EXPECT_EQ(
      Parts({Step(8, 512 << 10), Step(8, 512 << 10), Step(16, 512 << 10), Step(16, 512 << 10)}),
      (List{8, 16}));
}

}  // namespace
}  // namespace skiff::runtime
