#include "quant/reconstruct/reconstruct.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "quant/reconstruct/blocks.h"
#include "quant/reconstruct/build.h"
#include "quant/reconstruct/samples.h"
#include "quant/reconstruct/test_net.h"

namespace skiff::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::vector<std::string>> LayersOf(const std::vector<Block>& blocks,
                                               const std::vector<Layer>& layers) {
  std::vector<std::vector<std::string>> names;
  for (const Block& block : blocks) {
    names.emplace_back();
    for (const size_t layer : block.layers) names.back().push_back(layers[layer].weight);
  }
  return names;
}

TEST(BlocksTest, BranchesAreWholeAndLayersTakeWhatFollows) {
  const program::Program program = TestNet();
  const std::vector<Layer> layers = PlanLayers(program, {});
  const std::vector<Block> blocks = FindBlocks(program, layers, 6);
  EXPECT_THAT(
      LayersOf(blocks, layers),
      ElementsAre(ElementsAre("w_a"), ElementsAre("w_e", "w_d", "w_p"), ElementsAre("w_out")));
  EXPECT_EQ(blocks[0].input, "x");
  EXPECT_EQ(blocks[0].output, "r");
  EXPECT_EQ(blocks[1].input, "r");
  EXPECT_EQ(blocks[1].output, "s");
  EXPECT_EQ(blocks[2].input, "m");
  // Three layers are more than two: each for itself.
  const std::vector<Block> small = FindBlocks(program, layers, 2);
  ASSERT_EQ(small.size(), 5U);
  EXPECT_EQ(small[1].output, "e6");
  EXPECT_EQ(small[3].output, "p") << "the sum has another operand";
}

TEST(BlocksTest, DepthwiseBelongsToItsNeighbours) {
  const program::Program program = TestProgram("f", [](Editor& editor) {
    AddTestConvolution(&editor, "x", "a", 3, 6, 3, 1);
    AddTestConvolution(&editor, "a", "b", 6, 6, 3, 6);
    AddTestConvolution(&editor, "b", "c", 6, 6, 1, 1);
    AddTestConvolution(&editor, "c", "d", 6, 6, 3, 6);
    AddTestConvolution(&editor, "d", "e", 6, 6, 1, 1);
    AddTestConvolution(&editor, "e", "f", 6, 6, 3, 1);
  });
  const std::vector<Layer> layers = PlanLayers(program, {});
  EXPECT_THAT(
      LayersOf(FindBlocks(program, layers, 6), layers),
      ElementsAre(ElementsAre("w_a", "w_b", "w_c"), ElementsAre("w_d", "w_e"), ElementsAre("w_f")));
}

// A tape in float computes what the network computes, and its lanes take samples out of batches.
TEST(SamplesTest, TapesAgreeWithTheNetwork) {
  const program::Program program = TestNet();
  TestData data(3, 2);
  const Quantized quantized = QuantizeTestNet(program, data);
  const SampleOptions options{.threads = 1, .memory_limit = 1 << 20};
  const Result<SampleDims> dims = FindSampleDims(program, data, options);
  ASSERT_TRUE(dims.ok());
  EXPECT_EQ(dims->at("s").ToString(), "[1, 6, 8, 8]");
  for (const Block& block : FindBlocks(program, quantized.layers, 6)) {
    const Result<Tape> tape = BuildTape(program, quantized, block, *dims, true);
    ASSERT_TRUE(tape.ok()) << tape.status().ToString();
    const Result<Samples> samples = GatherSamples(program, quantized, block, *dims, data, options);
    ASSERT_TRUE(samples.ok()) << samples.status().ToString();
    ASSERT_EQ(samples->count, 6);
    Lane lane = tape->NewLane();
    lane.mode.round = false;
    for (size_t s = 0; s < 6; ++s) {
      const float* x = samples->float_inputs.data() + s * samples->input_size;
      ASSERT_TRUE(tape->Forward({x, samples->input_size}, &lane).ok());
      const float* t = samples->targets.data() + s * samples->output_size;
      const std::vector<float>& y = lane.x[static_cast<size_t>(tape->output())];
      ASSERT_EQ(y.size(), samples->output_size);
      for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], t[i], 1e-4) << block.output;
    }
  }
  // With room for three samples, two batches of two are one too many.
  const Block block = FindBlocks(program, quantized.layers, 6)[1];
  const size_t bytes = sizeof(float) * 3 * 6 * 64;
  EXPECT_EQ(GatherSamples(program, quantized, block, *dims, data, {1, 3 * bytes})->count, 2);
}

struct Outcome {
  Quantized quantized;
  std::vector<ReconstructedBlock> blocks;
};

Outcome RunOn(const program::Program& program, ReconstructOptions options,
              const Quantized* start = nullptr) {
  TestData data(8, 4);
  Outcome outcome;
  outcome.quantized = start != nullptr ? *start : QuantizeTestNet(program, data);
  options.batch_size = 8;
  if (!options.on_block) {
    options.on_block = [&](const ReconstructedBlock& block) {
      outcome.blocks.push_back(block);
      return OkStatus();
    };
  }
  const Status status = Reconstruct(program, data, options, {}, &outcome.quantized);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return outcome;
}

TEST(ReconstructTest, ErrorsOfBlocksFall) {
  const program::Program program = TestNet();
  for (const bool blocks : {false, true}) {
    ReconstructOptions options;
    options.blocks = blocks;
    options.iterations = 300;
    const Outcome outcome = RunOn(program, options);
    ASSERT_EQ(outcome.blocks.size(), blocks ? 3U : 5U);
    for (const ReconstructedBlock& block : outcome.blocks) {
      EXPECT_EQ(block.why_left, "");
      EXPECT_LE(block.error_after, block.error_before) << block.name;
    }
    const ReconstructedBlock& convolution = outcome.blocks[0];
    EXPECT_LT(convolution.error_after, 0.9 * convolution.error_before);
    const ReconstructedBlock& project = outcome.blocks[blocks ? 1 : 3];
    EXPECT_LT(project.error_after, 0.9 * project.error_before);
  }
}

bool Same(const Quantized& a, const Quantized& b) {
  for (const auto& [name, weight] : a.weights) {
    if (weight.codes != b.weights.at(name).codes) return false;
  }
  for (const auto& [name, range] : a.ranges) {
    if (range.threshold != b.ranges.at(name).threshold) return false;
  }
  return true;
}

TEST(ReconstructTest, TheSeedDecidesAndThreadsDoNot) {
  const program::Program program = TestNet();
  ReconstructOptions options;
  options.iterations = 30;
  options.learning_rate = 0.1F;
  const Outcome one = RunOn(program, options);
  options.threads = 3;
  EXPECT_TRUE(Same(one.quantized, RunOn(program, options).quantized));
  options.seed = 2;
  EXPECT_FALSE(Same(one.quantized, RunOn(program, options).quantized));
}

TEST(ReconstructTest, GoesOnWhereItWasStopped) {
  const program::Program program = TestNet();
  ReconstructOptions options;
  options.iterations = 30;
  options.learning_rate = 0.1F;
  const Outcome whole = RunOn(program, options);
  TestData data(8, 4);
  Quantized stopped = QuantizeTestNet(program, data);
  options.batch_size = 8;
  options.on_block = [](const ReconstructedBlock& block) {
    return block.index == 0 ? Internal("stopped") : OkStatus();
  };
  EXPECT_THAT(Reconstruct(program, data, options, {}, &stopped).ToString(), HasSubstr("stopped"));
  EXPECT_FALSE(Same(whole.quantized, stopped));
  options.on_block = {};
  options.first_block = 1;
  EXPECT_TRUE(Same(whole.quantized, RunOn(program, options, &stopped).quantized));
}

TEST(ReconstructTest, OperatorsWithoutGradientsAreLeftOut) {
  program::Program program = TestNet();
  for (program::OpDesc& op : program.blocks[0].ops) {
    if (op.type == "relu6") op.type = "mish";
  }
  ReconstructOptions options;
  options.iterations = 5;
  const Outcome outcome = RunOn(program, options);
  // The block falls apart into layers, and mish stays outside them.
  ASSERT_EQ(outcome.blocks.size(), 5U);
  EXPECT_EQ(outcome.blocks[1].name, "e");
  EXPECT_EQ(outcome.blocks[1].why_left, "");
}

TEST(ReconstructTest, BadOptionsAreNamed) {
  const program::Program program = TestNet();
  TestData data(1, 1);
  Quantized quantized = QuantizeTestNet(program, data);
  ReconstructOptions options;
  options.drop_probability = 1;
  EXPECT_THAT(Reconstruct(program, data, options, {}, &quantized).ToString(),
              HasSubstr("drop_probability"));
}

}  // namespace
}  // namespace skiff::quant
