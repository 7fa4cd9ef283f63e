#include "quant/pay_off.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/model_files.h"
#include "formats/test_models.h"
#include "quant/export.h"
#include "quant/prepare.h"
#include "quant/reconstruct/test_net.h"

namespace skiff::quant {
namespace {

using testing::HasSubstr;

// x [n, 3, 8, 8] -> 64 channels -> 64 channels; then softmax, which is float, and one output
// channel: what that would gain is less than rounding 64 channels takes.
program::Program SoftmaxBetween() {
  return TestProgram("one", [](Editor& editor) {
    AddTestConvolution(&editor, "x", "a", 3, 64, 5, 1);
    editor.ops.push_back(TestOp("relu", {{"X", {"a"}}}, "r"));
    AddTestConvolution(&editor, "r", "wide", 64, 64, 3, 1);
    editor.ops.push_back(TestOp("softmax", {{"X", {"wide"}}}, "soft"));
    AddTestConvolution(&editor, "soft", "one", 64, 1, 1, 1);
  });
}

TEST(PayOffTest, WhatRoundingCostsMoreThanIsLeftInFloat) {
  const program::Program program = SoftmaxBetween();
  TestData data(1, 4);
  QuantizeOptions options;
  options.int8_must_pay = true;
  std::vector<Layer> layers = PlanLayers(program, options);
  const auto predicted = LeaveUnpaid(program, data, options, &layers);
  ASSERT_TRUE(predicted.ok()) << predicted.status().ToString();
  ASSERT_EQ(layers.size(), 3U);
  EXPECT_EQ(layers[0].why_float, "");
  EXPECT_EQ(layers[1].why_float, "");
  EXPECT_THAT(layers[2].why_float, HasSubstr("INT8 does not pay"));
  // One sample: 64 x 64 positions and channels, 576 multiply-adds each, in integers already.
  EXPECT_NEAR((*predicted)[1].int8_us, 0.5 + 4096.0 * 576 / 80e3, 1e-9);
  EXPECT_NEAR((*predicted)[1].fp32_us, 0.5 + 4096.0 * 576 / 40e3, 1e-9);
  EXPECT_NEAR((*predicted)[2].fp32_us, 0.5 + 4 * (4096.0 + 64 + 64) / 10e3, 1e-9);
  EXPECT_NEAR((*predicted)[2].int8_us, 1.0 + (4096 + 64 + 64 + 5.0 * 4096) / 10e3, 1e-9);
  // The model says so, and none of the layer's neighbours is touched.
  Prepared prepared;
  prepared.program = program;
  prepared.quantized = QuantizeTestNet(program, data);
  prepared.quantized.layers = layers;
  const program::Program exported = ExportToRun(program, prepared.quantized);
  int said = 0;
  for (const program::OpDesc& op : exported.blocks[0].ops) {
    const program::Attribute* why = program::FindAttribute(op.attributes, kWhyFloat);
    if (why == nullptr) continue;
    ++said;
    EXPECT_EQ(std::get<std::string>(why->value), layers[2].why_float);
  }
  EXPECT_EQ(said, 1);
}

TEST(PayOffTest, NotAskedNothingIsLeftAndNothingLeftIsNothing) {
  const program::Program program = SoftmaxBetween();
  TestData data(1, 1);
  QuantizeOptions options;
  std::vector<Layer> layers = PlanLayers(program, options);
  ASSERT_TRUE(LeaveUnpaid(program, data, options, &layers).ok());
  EXPECT_EQ(QuantizedByOp(layers).size(), 3U);
  // The only layer of a model is not left, though it does not pay.
  options.int8_must_pay = true;
  layers.erase(layers.begin(), layers.begin() + 2);
  ASSERT_TRUE(LeaveUnpaid(program, data, options, &layers).ok());
  EXPECT_EQ(QuantizedByOp(layers).size(), 1U);
}

}  // namespace
}  // namespace skiff::quant
