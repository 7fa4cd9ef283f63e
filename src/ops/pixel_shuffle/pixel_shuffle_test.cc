// Mode DCR, which no model of Paddle has; the other is checked against Paddle (tests/golden/ops).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "ops/testing/op_harness.h"

namespace skiff::ops {
namespace {

using testing::Array;
using testing::Noise;
using testing::OpHarness;

TEST(PixelShuffle, DepthFirstIsTheOtherModeOfReorderedChannels) {
  constexpr int64_t kChannels = 3, kFactor = 2, kPixels = kFactor * kFactor, kPlane = 5 * 7;
  const Array x = Noise({1, kChannels * kPixels, 5, 7}, 1);
  Array reordered(x.dtype(), x.dims());
  for (int64_t c = 0; c < kChannels; ++c) {
    for (int64_t pixel = 0; pixel < kPixels; ++pixel) {
      const auto from = static_cast<size_t>((c * kPixels + pixel) * kPlane);
      const auto to = static_cast<size_t>((pixel * kChannels + c) * kPlane);
      std::copy_n(&x.As<float>()[from], kPlane, &reordered.As<float>()[to]);
    }
  }
  const auto shuffle = [&](const Array& input, const char* mode) {
    OpHarness h("pixel_shuffle");
    h.Input("X", input);
    h.Output("Out");
    h.Set("upscale_factor", static_cast<int>(kFactor));
    h.Set("mode", mode);
    return h.LowerAndRun();
  };
  const auto want = shuffle(x, "CRD");
  const auto got = shuffle(reordered, "DCR");
  ASSERT_TRUE(want.ok() && got.ok());
  ASSERT_EQ(got->dims(), (Dims{1, kChannels, 10, 14}));
  EXPECT_EQ(std::memcmp(got->data(), want->data(), want->bytes()), 0);
}

TEST(PixelShuffle, RefusesOtherModes) {
  OpHarness h("pixel_shuffle");
  h.Input("X", Noise({1, 4, 2, 2}, 1));
  h.Output("Out");
  h.Set("upscale_factor", 2);
  h.Set("mode", "RDC");
  EXPECT_NE(h.LowerAndRun().status().ToString().find("mode RDC"), std::string::npos);
}

}  // namespace
}  // namespace skiff::ops
