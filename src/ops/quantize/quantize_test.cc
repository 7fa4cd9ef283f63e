#include <gtest/gtest.h>

#include <vector>

#include "ops/testing/op_harness.h"

namespace skiff::ops {
namespace {

using testing::Array;
using testing::OpHarness;

graph::Grid TestGrid(RoundMode round = RoundMode::kHalfEven) {
  graph::Grid grid;
  grid.step = {0.5};
  grid.round = round;
  return grid;
}

TEST(QuantizeTest, RoundsAsTheGridSays) {
  const Array x = steps::testing::Floats({6}, {0.25F, 0.75F, -0.75F, 100.0F, -100.0F, 3.0F});
  const std::vector<std::vector<int8_t>> want = {{0, 2, -2, 127, -128, 6},
                                                 {1, 2, -2, 127, -127, 6}};
  int index = 0;
  for (const RoundMode round : {RoundMode::kHalfEven, RoundMode::kHalfAway}) {
    OpHarness op("quantize");
    op.Input("Input", x);
    op.Output("Output", DType::kInt8, TestGrid(round));
    const Result<Array> y = op.LowerAndRun();
    ASSERT_TRUE(y.ok()) << y.status().ToString();
    for (size_t i = 0; i < 6; ++i) EXPECT_EQ(y->As<int8_t>()[i], want[index][i]);
    ++index;
  }
}

TEST(QuantizeTest, KeepsElementsThroughLayouts) {
  for (const graph::Layout from : {graph::Layout::kPlain, graph::Layout::kNhwc}) {
    for (const graph::Layout to : {graph::Layout::kPlain, graph::Layout::kNhwc}) {
      Array codes(DType::kInt8, {2, 3, 4, 5});
      for (size_t i = 0; i < codes.count(); ++i) codes.As<int8_t>()[i] = static_cast<int8_t>(i);
      OpHarness down("dequantize");
      down.Input("Input", codes, TestGrid())->layout = from;
      down.Output("Output")->layout = to;
      const Result<Array> floats = down.LowerAndRun();
      ASSERT_TRUE(floats.ok()) << floats.status().ToString();
      for (size_t i = 0; i < codes.count(); ++i) {
        ASSERT_EQ(floats->As<float>()[i], 0.5F * static_cast<float>(codes.As<int8_t>()[i]));
      }
      OpHarness up("quantize");
      up.Input("Input", *floats)->layout = from;
      up.Output("Output", DType::kInt8, TestGrid())->layout = to;
      const Result<Array> back = up.LowerAndRun(2);
      ASSERT_TRUE(back.ok()) << back.status().ToString();
      EXPECT_EQ(0, std::memcmp(back->data(), codes.data(), codes.bytes()));
    }
  }
}

TEST(QuantizeTest, NeedsAGridAndTypes) {
  OpHarness no_grid("quantize");
  no_grid.Input("Input", steps::testing::Floats({1}, {1.0F}));
  no_grid.Output("Output", DType::kInt8);
  EXPECT_FALSE(no_grid.Lower().ok());
  OpHarness wrong_type("quantize");
  wrong_type.Input("Input", steps::testing::Floats({1}, {1.0F}));
  wrong_type.Output("Output", DType::kFloat32);
  EXPECT_EQ(wrong_type.Lower().code(), StatusCode::kInvalidArgument);
  OpHarness no_slot("dequantize");
  no_slot.Output("Output");
  EXPECT_FALSE(no_slot.Lower().ok());
}

}  // namespace
}  // namespace skiff::ops
