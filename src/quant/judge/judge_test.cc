// Sensitivity, the bound, the analysis and the search, on a small classifier.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "formats/file.h"
#include "formats/model_files.h"
#include "formats/test_models.h"
#include "quant/judge/evaluation.h"
#include "quant/judge/sensitivity.h"
#include "quant/judge/tune_search.h"
#include "quant/reconstruct/test_net.h"
#include "skiff/analyze.h"
#include "skiff/tune.h"

namespace skiff::quant {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class JudgeTest : public testing::Test {
 protected:
  JudgeTest() : data_(40, 1) {
    const program::Program net = TestNet();
    EXPECT_TRUE(
        formats::SaveModel(net, folder_ / "net", "inference", program::ParamsLayout::kCombined)
            .ok());
    source_.model_dir = folder_ / "net";
    original_ = *formats::LoadModel(source_);
    options_.report = ReportDetail::kNone;
    // What the float model says is right.
    labelled_ = {&data_, std::vector<int64_t>(40, 0)};
    QuantizeOptions labels = options_;
    labels.evaluation = &labelled_;
    const QuantizeProgress silent;
    labelled_.labels =
        *Evaluation(labels, silent).Predict(original_, Precision::kFp32, Half::kAll, "");
  }

  // A model one of whose layers has lost its weight.
  Prepared Sabotaged(const std::string& weight) {
    Prepared prepared = *Prepare(source_, data_, options_, {});
    std::fill_n(prepared.quantized.weights.at(weight).codes.begin(),
                prepared.quantized.weights.at(weight).codes.size() / 2, int8_t{0});
    return prepared;
  }

  formats::TemporaryFolder folder_;
  TestData data_;
  ModelSource source_;
  program::Program original_;
  QuantizeOptions options_;
  LabelledData labelled_;
};

TEST_F(JudgeTest, TheFewestLayersStayFloat) {
  Prepared prepared = Sabotaged("w_out");
  options_.evaluation = &labelled_;
  options_.max_drop = 5;
  const auto judgement = Judge(data_, options_, {}, &prepared);
  ASSERT_TRUE(judgement.ok()) << judgement.status().ToString();
  const std::vector<Layer>& layers = prepared.quantized.layers;
  ASSERT_EQ(judgement->sensitivity.size(), layers.size());
  const auto worst = std::max_element(judgement->sensitivity.begin(), judgement->sensitivity.end());
  const auto at = static_cast<size_t>(worst - judgement->sensitivity.begin());
  EXPECT_EQ(layers[at].weight, "w_out");
  EXPECT_GT(*worst, 0);
  for (const Layer& layer : layers) {
    EXPECT_EQ(layer.why_float.empty(), layer.weight != "w_out") << layer.weight;
  }
  EXPECT_THAT(layers[at].why_float, HasSubstr("max_drop"));
  const AccuracyFigures& accuracy = *judgement->accuracy;
  EXPECT_EQ(accuracy.samples, 20) << "the half that did not choose";
  EXPECT_EQ(accuracy.top1_fp32, 1);
  EXPECT_GE(accuracy.top1_int8, 0.9);
  ASSERT_EQ(accuracy.trials.size(), 2U);
  EXPECT_EQ(accuracy.trials[0].float_layers, 0);
  EXPECT_GT(accuracy.trials[0].drop, 0.05);
  EXPECT_EQ(accuracy.trials[1].float_layers, 1);
  EXPECT_LE(accuracy.trials[1].drop, 0.05);
}

TEST_F(JudgeTest, ABoundThatIsMetLeavesAllQuantised) {
  Prepared prepared = *Prepare(source_, data_, options_, {});
  options_.evaluation = &labelled_;
  options_.max_drop = 20;
  const auto judgement = Judge(data_, options_, {}, &prepared);
  ASSERT_TRUE(judgement.ok());
  for (const Layer& layer : prepared.quantized.layers) EXPECT_EQ(layer.why_float, "");
  EXPECT_EQ(judgement->accuracy->trials.size(), 1U);
}

TEST_F(JudgeTest, BadEvaluationIsNamed) {
  options_.max_drop = 1;
  EXPECT_THAT(Prepare(source_, data_, options_, {}).status().ToString(), HasSubstr("max_drop"));
  labelled_.labels.pop_back();
  options_.evaluation = &labelled_;
  EXPECT_THAT(Prepare(source_, data_, options_, {}).status().ToString(), HasSubstr("39 labels"));
  labelled_.labels.push_back(5);
  Prepared prepared = Sabotaged("w_out");
  EXPECT_THAT(Judge(data_, options_, {}, &prepared).status().ToString(), HasSubstr("label 5"));
}

TEST_F(JudgeTest, AnalysisRanksAndResumes) {
  AnalyzeOptions analyze;
  analyze.quantize = options_;
  analyze.save_dir = folder_ / "results";
  const auto first = Analyze(source_, data_, analyze, {});
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  ASSERT_EQ(first->layers.size(), 5U);
  EXPECT_EQ(first->metric, 1);
  for (size_t i = 0; i + 1 < 5; ++i) {
    EXPECT_GE(first->layers[i].sensitivity, first->layers[i + 1].sensitivity);
  }
  EXPECT_EQ(first->tensors.size(), 10U);
  const std::string text = formats::ReadText(folder_ / "results/analysis.txt");
  EXPECT_THAT(text, StartsWith("layer name: " + first->layers[0].name + ", sensitivity metric: "));
  const std::string csv = formats::ReadText(folder_ / "results/statistic.csv");
  EXPECT_THAT(csv, StartsWith("Var Name,Var Type,Corresponding Weight Name,FP32 Min,FP32 Max"));
  EXPECT_THAT(csv, HasSubstr("\nr,Activation,w_e,"));

  // Cut off in the middle, it goes on to the same end.
  const std::string path = folder_ / "results/analysis_checkpoint.txt";
  std::string checkpoint = formats::ReadText(path);
  size_t third = 0;
  for (int i = 0; i < 3; ++i) third = checkpoint.find('\n', third) + 1;
  ASSERT_TRUE(formats::WriteFile(path, checkpoint.substr(0, third)).ok());
  analyze.resume = true;
  ASSERT_TRUE(Analyze(source_, data_, analyze, {}).ok());
  EXPECT_EQ(formats::ReadText(path), checkpoint);
  EXPECT_EQ(formats::ReadText(folder_ / "results/analysis.txt"), text);
  analyze.quantize.algo = CalibrationAlgorithm::kAvg;
  EXPECT_THAT(Analyze(source_, data_, analyze, {}).status().ToString(), HasSubstr("other options"));
}

TEST_F(JudgeTest, AnalysisMeetsATarget) {
  AnalyzeOptions analyze;
  analyze.quantize = options_;
  analyze.save_dir = folder_ / "results";
  analyze.target_metric = 0.8;
  EXPECT_THAT(Analyze(source_, data_, analyze, {}).status().ToString(), HasSubstr("labels"));
  analyze.quantize.evaluation = &labelled_;
  const auto analysis = Analyze(source_, data_, analyze, {});
  ASSERT_TRUE(analysis.ok()) << analysis.status().ToString();
  EXPECT_GE(analysis->target->top1_int8, 0.8);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "results/target_quant_model/model.pdmodel"));
}

TEST_F(JudgeTest, LayersOfAQuantisedModelArePutBack) {
  ASSERT_TRUE(Quantize(source_, data_, options_, folder_ / "int8").ok());
  ModelSource quantized;
  quantized.model_dir = folder_ / "int8";
  AnalyzeOptions analyze;
  analyze.quantize = options_;
  analyze.save_dir = folder_ / "results";
  analyze.quant_model = &quantized;
  const auto analysis = Analyze(source_, data_, analyze, {});
  ASSERT_TRUE(analysis.ok()) << analysis.status().ToString();
  ASSERT_EQ(analysis->layers.size(), 5U);
  EXPECT_LT(analysis->metric, 1);
  EXPECT_GT(analysis->metric, 0.99);
  EXPECT_GT(analysis->layers[0].sensitivity, 0);
}

TEST_F(JudgeTest, TuningGoesOnToTheSameEnd) {
  const OpenBatches open = [](int64_t size,
                              int64_t count) -> Result<std::unique_ptr<CalibrationData>> {
    return std::unique_ptr<CalibrationData>(
        std::make_unique<TestData>(count == 0 ? 8 : std::min<int64_t>(count, 4), size));
  };
  TuneOptions tune;
  tune.quantize = options_;
  tune.batch_size = {1, 4};
  tune.batch_nums = {1, 4};
  tune.runcount_limit = 8;
  const std::string out = folder_ / "tuned";
  const auto result = Tune(source_, open, tune, out, {});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_EQ(result->trials.size(), 8U);
  EXPECT_EQ(result->trials[0].algo, options_.algo) << "the options as they are come first";
  for (const TuneTrial& trial : result->trials) {
    EXPECT_GE(trial.loss, result->trials[result->best].loss);
  }
  EXPECT_TRUE(std::filesystem::exists(out + "/model.pdmodel"));
  const std::string log = formats::ReadText(out + "/tune_trials.csv");
  size_t half = 0;
  for (int i = 0; i < 5; ++i) half = log.find('\n', half) + 1;
  ASSERT_TRUE(formats::WriteFile(out + "/tune_trials.csv", log.substr(0, half)).ok());
  ASSERT_TRUE(Tune(source_, open, tune, out, {}).ok());
  EXPECT_EQ(formats::ReadText(out + "/tune_trials.csv"), log);
  tune.seed = 2;
  EXPECT_THAT(Tune(source_, open, tune, out, {}).status().ToString(), HasSubstr("remove it"));
}

// After the same number of trials it is nearer to the least than chance is.
TEST(TuneSearchTest, LearnsFromTrials) {
  const Space space = {3, 0, 0};
  const auto loss = [](const Point& p) {
    return (p[0] == 1 ? 0 : 1) + std::pow(p[1] - 0.7, 2) + std::pow(p[2] - 0.2, 2);
  };
  const auto search = [&](size_t random, uint64_t seed) {
    std::vector<Tried> tried;
    double least = HUGE_VAL;
    for (int i = 0; i < 40; ++i) {
      const Point point = Propose(space, tried, random, seed);
      tried.push_back({point, loss(point)});
      least = std::min(least, tried.back().loss);
    }
    return least;
  };
  double learned = 0;
  double chance = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    learned += search(8, seed);
    chance += search(40, seed);
  }
  EXPECT_LT(learned, 0.5 * chance);
}

}  // namespace
}  // namespace skiff::quant
