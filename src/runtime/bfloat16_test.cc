// kBf16: what is stored as bfloat16, on any CPU; and answers, where the CPU multiplies it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "onednn/isa_cap.h"
#include "runtime/testing/two_stages.h"

namespace skiff::runtime {
namespace {

using testing::TwoStages;

TEST(Bfloat16, TensorsBetweenConvolutionsTakeHalfTheMemory) {
  const TwoStages net(9);
  const auto graph = plan::Optimise(net.program(), net.Options(Precision::kBf16, true), nullptr);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  int convolutions = 0;
  int conversions = 0;
  int stored = 0;
  for (const graph::Node& node : (*graph)->nodes()) {
    EXPECT_NE(node.type, "relu") << "fused";
    conversions += node.type == "to_bfloat16";
    if (node.type != "conv2d") continue;
    ++convolutions;
    EXPECT_EQ(node.In("Input")->dtype, DType::kBFloat16) << node.name;
    const graph::Value* residual = node.In("ResidualData");
    if (residual != nullptr) {
      EXPECT_EQ(residual->dtype, node.Out("Output")->dtype) << node.name;
    }
    stored += node.Out("Output")->dtype == DType::kBFloat16;
  }
  EXPECT_EQ(convolutions, 7);
  EXPECT_GE(stored, 4);
  EXPECT_GE(conversions, 1);
  EXPECT_EQ((*graph)->outputs[0]->dtype, DType::kFloat32);
}

TEST(Bfloat16, Float32AndSimulationHaveNone) {
  const TwoStages net(9);
  for (const Precision precision : {Precision::kFp32, Precision::kSimulate, Precision::kInt8}) {
    plan::CompileOptions options = net.Options(precision, true);
    options.bfloat16 = precision == Precision::kSimulate;
    std::vector<passes::CarriedSkip> skips;
    const auto graph = plan::Optimise(net.program(), options, &skips);
    ASSERT_TRUE(graph.ok());
    for (const graph::Value& value : (*graph)->values()) {
      EXPECT_NE(value.dtype, DType::kBFloat16) << value.name;
    }
  }
}

TEST(Bfloat16, AnswersAreFloat32sToEightBits) {
  const auto isa = SelectIsa();
  ASSERT_TRUE(isa.ok());
  onednn::CapIsa(*isa);
  if (!onednn::MultipliesBfloat16()) GTEST_SKIP() << onednn::EffectiveIsa();
  for (const bool hoist : {false, true}) {
    const TwoStages net(9);
    const auto bf16 = net.Run(net.Options(Precision::kBf16, hoist));
    const auto fp32 = net.Run(net.Options(Precision::kFp32, hoist));
    ASSERT_TRUE(bf16.ok()) << bf16.status().ToString();
    ASSERT_TRUE(fp32.ok()) << fp32.status().ToString();
    EXPECT_EQ(bf16->float_convolutions, 0);
    ASSERT_EQ(bf16->output.size(), fp32->output.size());
    float largest = 0;
    float difference = 0;
    for (size_t i = 0; i < fp32->output.size(); ++i) {
      largest = std::max(largest, std::abs(fp32->output[i]));
      difference = std::max(difference, std::abs(bf16->output[i] - fp32->output[i]));
    }
    EXPECT_GT(difference, 0);
    EXPECT_LT(difference, largest * 8 / 256) << "half a bit for each of the layers";
  }
}

}  // namespace
}  // namespace skiff::runtime
