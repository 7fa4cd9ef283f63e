#include "formats/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/model_files.h"
#include "formats/program_reader.h"
#include "formats/test_models.h"

namespace skiff::formats {
namespace {

using program::Program;
using ::testing::ElementsAre;
using ::testing::Pair;

Program Load(const std::string& model) {
  Result<Program> program = LoadModel({.model_dir = GoldenFolder(model)});
  EXPECT_TRUE(program.ok()) << program.status().ToString();
  return *std::move(program);
}

TEST(Summary, InputsOutputsOperatorsAndParameters) {
  const ModelSummary summary = Summarise(Load("m26_static"));
  EXPECT_EQ(summary.format, "ProgramDesc");
  EXPECT_EQ(summary.params_layout, "combined");
  EXPECT_EQ(summary.producer, "2.6.2");
  EXPECT_EQ(summary.blocks, 1u);
  ASSERT_EQ(summary.inputs.size(), 1u);
  EXPECT_EQ(summary.inputs[0].name, "x");
  EXPECT_EQ(summary.inputs[0].dtype, DType::kFloat32);
  EXPECT_THAT(summary.inputs[0].dims, ElementsAre(-1, 3, 8, 8));
  ASSERT_EQ(summary.outputs.size(), 1u);
  EXPECT_EQ(summary.outputs[0].name, "save_infer_model/scale_0.tmp_0");
  EXPECT_THAT(summary.outputs[0].dims, ElementsAre(-1, 5));
  EXPECT_EQ(summary.operators.at("conv2d"), 1);
  EXPECT_FALSE(summary.operators.contains("feed"));
  EXPECT_EQ(summary.operator_count(), 9);
  ASSERT_EQ(summary.parameters.size(), 1u);
  EXPECT_EQ(summary.parameters.at(DType::kFloat32).tensors, 7);
  EXPECT_EQ(summary.parameter_total().elements, 149);
  EXPECT_EQ(summary.parameter_total().bytes, 596);
}

TEST(Summary, InputsStandByTheirColumn) {
  // Files hold feed operators in reverse order.
  const ModelSummary summary = Summarise(Load("m26_multi"));
  std::vector<std::string> names;
  for (const TensorInfo& input : summary.inputs) names.push_back(input.name);
  EXPECT_THAT(names, ElementsAre("words", "b", "a"));
  EXPECT_EQ(summary.inputs[0].dtype, DType::kInt64);
  EXPECT_EQ(summary.outputs.size(), 8u);
  EXPECT_EQ(summary.outputs[7].name, "save_infer_model/scale_7.tmp_0");
}

TEST(Summary, LayoutProducerAndBlocks) {
  EXPECT_EQ(Summarise(Load("m26_sep")).params_layout, "separate");
  EXPECT_EQ(Summarise(Load("minimal")).producer, "development");
  EXPECT_EQ(Summarise(Load("m33leg_multi")).producer, "3.3.1");
  EXPECT_EQ(Summarise(Load("m26_jit")).blocks, 4u);
  EXPECT_EQ(Summarise(Program()).producer, "");
}

struct QuantCase {
  const char* model;
  Representation representation;
  int with_weights;
  int without_weights;
  int activation_thresholds;
  int output_thresholds;
};

class QuantSummaryTest : public ::testing::TestWithParam<QuantCase> {};

// Checked against a listing of each model's operators.
constexpr QuantCase kCases[] = {
    {"q26_fp32", Representation::kNone, 0, 0, 0, 0},
    {"q26_old_cw", Representation::kR1, 4, 3, 7, 14},
    {"q26_old_abs", Representation::kR1, 4, 3, 7, 14},
    {"q26_old_int8", Representation::kR1b, 4, 3, 7, 14},
    {"q26_qat_old", Representation::kR2, 3, 0, 3, 6},
    {"q26_onnx", Representation::kR3, 4, 4, 14, 0},
    {"q26_qat_onnx", Representation::kR3, 3, 3, 6, 0},
    {"m33leg_ptq", Representation::kR4, 2, 1, 3, 0},
    {"q26_weight_cw", Representation::kR5, 2, 0, 0, 0},
    {"q26_weight_abs", Representation::kR5, 2, 0, 0, 0},
    {"q26_min_max", Representation::kR6, 4, 0, 4, 0},
    {"q26_int8", Representation::kR7, 1, 3, 3, 9},
    {"q26_int8_qat", Representation::kR7, 3, 2, 3, 4},
};

TEST_P(QuantSummaryTest, RecognisesTheRepresentation) {
  const QuantCase& c = GetParam();
  const QuantSummary summary = SummariseQuantisation(Load(c.model));
  EXPECT_EQ(Name(summary.representation), Name(c.representation));
  EXPECT_EQ(summary.operators_with_weights, c.with_weights);
  EXPECT_EQ(summary.operators_without_weights, c.without_weights);
  EXPECT_EQ(summary.activation_thresholds, c.activation_thresholds);
  EXPECT_EQ(summary.output_thresholds, c.output_thresholds);
  if (c.with_weights > 0) {
    EXPECT_THAT(summary.weight_bits, ElementsAre(Pair(8, c.with_weights)));
  } else {
    EXPECT_TRUE(summary.weight_bits.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Models, QuantSummaryTest, ::testing::ValuesIn(kCases),
                         [](const auto& c) { return std::string(c.param.model); });

TEST(QuantSummary, ProgramsWithoutParametersAreRecognised) {
  for (const QuantCase& c : kCases) {
    Program program = Load(c.model);
    program.params.clear();
    EXPECT_EQ(Name(SummariseQuantisation(program).representation), Name(c.representation))
        << c.model;
  }
}

TEST(QuantSummary, UnusableThresholdsDoNotCount) {
  Program program = Load("q26_old_cw");
  for (auto& [name, tensor] : program.params) {
    if (name.ends_with("@scale")) tensor.data = {nullptr, {}};
  }
  EXPECT_EQ(SummariseQuantisation(program).activation_thresholds, 0);
}

TEST(QuantSummary, EveryRepresentationHasWords) {
  for (int i = 0; i <= static_cast<int>(Representation::kR7); ++i) {
    const auto representation = static_cast<Representation>(i);
    EXPECT_EQ(Name(representation) == "none", i == 0);
    EXPECT_EQ(Describe(representation) == "not quantised", i == 0);
  }
}

}  // namespace
}  // namespace skiff::formats
