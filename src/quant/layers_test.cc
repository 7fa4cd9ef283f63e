#include "quant/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quant/edit.h"
#include "quant/export.h"

namespace skiff::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// matmul_v2 of "x" and the parameter "w" (4 x 3), written to "y" and fetched.
class LayersTest : public ::testing::Test {
 protected:
  LayersTest() {
    program_.blocks.resize(1);
    Editor editor(&program_);
    editor.SetParam("w", DType::kFloat32, {4, 3}, std::vector<float>(12, 0.5F));
    editor.ops.push_back(MakeOp("feed", {{"X", {"feed"}}}, {{"Out", {"x"}}}));
    editor.ops.push_back(Product("y", "w"));
    editor.ops.push_back(MakeOp("fetch", {{"X", {"y"}}}, {{"Out", {"fetch"}}}));
    editor.Finish();
  }

  static program::OpDesc Product(const std::string& out, const std::string& weight) {
    return MakeOp("matmul_v2", {{"X", {"x"}}, {"Y", {weight}}}, {{"Out", {out}}});
  }
  program::OpDesc& op(size_t i) { return program_.blocks[0].ops[i]; }
  void Append(program::OpDesc op) { program_.blocks[0].ops.push_back(std::move(op)); }

  program::Program program_;
  QuantizeOptions options_;
};

TEST_F(LayersTest, AWeightLayerIsPlanned) {
  const std::vector<Layer> layers = PlanLayers(program_, options_);
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].why_float, "");
  EXPECT_EQ(layers[0].activation, "x");
  EXPECT_EQ(layers[0].weight, "w");
  EXPECT_EQ(layers[0].output, "y");
  EXPECT_EQ(layers[0].axis, 1);
  options_.weight_per_channel = false;
  EXPECT_EQ(PlanLayers(program_, options_)[0].axis, -1);
  options_.quantizable_op_type = {"conv2d"};
  EXPECT_THAT(PlanLayers(program_, options_), IsEmpty());
}

TEST_F(LayersTest, SaysWhyALayerStaysFloat) {
  Append(Product("z", "x"));
  EXPECT_THAT(PlanLayers(program_, options_)[1].why_float, HasSubstr("two activations"));
  SetAttribute(&op(1), "op_namescope", program::AttrType::kString, std::string("/skip_quant_1/"));
  EXPECT_THAT(PlanLayers(program_, options_)[0].why_float, HasSubstr("op_namescope"));
}

TEST_F(LayersTest, WhatCannotBeNegative) {
  program::Program program;
  program.blocks.resize(1);
  std::vector<program::OpDesc>& ops = program.blocks[0].ops;
  ops.push_back(MakeOp("relu", {{"X", {"x"}}}, {{"Out", {"a"}}}));
  ops.push_back(MakeOp("sigmoid", {{"X", {"x"}}}, {{"Out", {"b"}}}));
  ops.push_back(MakeOp("elementwise_mul", {{"X", {"a"}}, {"Y", {"b"}}}, {{"Out", {"both"}}}));
  ops.push_back(MakeOp("elementwise_add", {{"X", {"a"}}, {"Y", {"x"}}}, {{"Out", {"one"}}}));
  ops.push_back(MakeOp("concat", {{"X", {"a", "b", "both"}}}, {{"Out", {"all"}}}));
  ops.push_back(MakeOp("concat", {{"X", {"a", "one"}}}, {{"Out", {"mixed"}}}));
  ops.push_back(MakeOp("batch_norm", {{"X", {"a"}}}, {{"Y", {"shifted"}}}));
  ops.push_back(MakeOp("relu", {{"X", {"x"}}}, {{"Out", {"twice"}}}));
  ops.push_back(MakeOp("tanh", {{"X", {"twice"}}}, {{"Out", {"twice"}}}));
  EXPECT_THAT(NeverNegative(program), ElementsAre("a", "all", "b", "both"));
}

TEST_F(LayersTest, FullRangeOfWhatDepthwiseConvolutionsAloneRead) {
  program::Program program;
  program.blocks.resize(1);
  Editor editor(&program);
  std::vector<Layer> layers;
  const auto read = [&](const char* type, const std::string& activation) {
    layers.push_back({.op = editor.ops.size(), .activation = activation});
    editor.ops.push_back(MakeOp(type, {{"Input", {activation}}}, {{"Output", {"y"}}}));
  };
  for (const char* name : {"alone", "shared", "plain", "unread"}) {
    editor.ops.push_back(MakeOp("relu6", {{"X", {"x"}}}, {{"Out", {name}}}));
  }
  read("depthwise_conv2d", "alone");
  read("depthwise_conv2d", "alone");
  read("depthwise_conv2d", "shared");
  read("conv2d", "shared");
  read("conv2d", "plain");
  read("depthwise_conv2d", "signed");
  editor.Finish();
  EXPECT_THAT(PlanFullRange(program, options_, layers), IsEmpty());
  options_.full_range = FullRange::kDepthwise;
  EXPECT_THAT(PlanFullRange(program, options_, layers), ElementsAre("alone"));
  layers[3].why_float = "asked for";
  EXPECT_THAT(PlanFullRange(program, options_, layers), ElementsAre("alone", "shared"));
  options_.full_range = FullRange::kAll;
  EXPECT_THAT(PlanFullRange(program, options_, layers),
              ElementsAre("alone", "plain", "shared", "unread"));
  options_.onnx_format = false;
  EXPECT_THAT(PlanFullRange(program, options_, layers), IsEmpty());
}

TEST_F(LayersTest, ASharedWeightNeedsAllOfItsReaders) {
  Append(Product("z", "w"));
  for (const Layer& layer : PlanLayers(program_, options_)) EXPECT_EQ(layer.why_float, "");
  // Along two axes it cannot be stored once.
  SetAttribute(&op(3), "trans_y", program::AttrType::kBoolean, true);
  for (const Layer& layer : PlanLayers(program_, options_)) {
    EXPECT_THAT(layer.why_float, HasSubstr("also read"));
  }
  program_.blocks[0].ops.pop_back();
  Append(MakeOp("relu", {{"X", {"w"}}}, {{"Out", {"r"}}}));
  EXPECT_THAT(PlanLayers(program_, options_)[0].why_float, HasSubstr("also read"));
}

TEST_F(LayersTest, TheOldFormatCannotTransposeChannels) {
  SetAttribute(&op(1), "trans_y", program::AttrType::kBoolean, true);
  EXPECT_EQ(PlanLayers(program_, options_)[0].why_float, "");
  EXPECT_EQ(PlanLayers(program_, options_)[0].axis, 0);
  options_.onnx_format = false;
  EXPECT_THAT(PlanLayers(program_, options_)[0].why_float, HasSubstr("transposed"));
}

TEST_F(LayersTest, OutputsOfTheModelKeepTheirNames) {
  for (const bool onnx_format : {true, false}) {
    program::Program program = program_;
    options_.onnx_format = onnx_format;
    Quantized quantized;
    quantized.layers = PlanLayers(program, options_);
    quantized.weights["w"] = *QuantizeWeight("w", program.params.at("w"), 1);
    quantized.ranges = {{"x", {2.0, 2.0}}, {"y", {3.0, 3.0}}};
    if (onnx_format) {
      ExportLinear(quantized, &program);
    } else {
      ExportFake(quantized, options_, &program);
    }
    EXPECT_THAT(FetchedNames(program), ElementsAre("y"));
    int writers = 0;
    for (const program::OpDesc& op : program.blocks[0].ops) {
      for (const program::Argument& out : op.outputs) {
        for (const std::string& name : out.names) writers += name == "y";
      }
    }
    EXPECT_EQ(writers, 1);
  }
}

TEST(QuantizeWeightTest, ByChannelAndByTensor) {
  program::Program program;
  program.blocks.resize(1);
  Editor editor(&program);
  editor.SetParam("w", DType::kFloat32, {2, 3},
                  std::vector<float>{1.0F, -2.0F, 0.0F, -0.5F, 1.0F, 0.0F});
  const program::Tensor& w = program.params.at("w");
  const auto rows = QuantizeWeight("w", w, 0);
  EXPECT_THAT(rows->thresholds, ElementsAre(2.0F, 1.0F));
  EXPECT_THAT(rows->codes, ElementsAre(64, -127, 0, -64, 127, 0));  // 63.5 goes to the even code
  const auto columns = QuantizeWeight("w", w, 1);
  EXPECT_THAT(columns->thresholds, ElementsAre(1.0F, 2.0F, 1e-8F));
  const auto whole = QuantizeWeight("w", w, -1);
  EXPECT_THAT(whole->codes, ElementsAre(64, -127, 0, -32, 64, 0));
  EXPECT_THAT(QuantizeWeight("w", w, 2).status().ToString(), HasSubstr("axis 2"));
}

}  // namespace
}  // namespace skiff::quant
