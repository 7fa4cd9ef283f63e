#include "quant/judge/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "formats/npy.h"
#include "formats/test_models.h"
#include "quant/judge/output_figures.h"
#include "skiff/quantize.h"

namespace skiff {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kGolden = std::string(SKIFF_SOURCE_DIR) + "/tests/golden/ptq";

// The golden pictures, four at a time.
class Pictures final : public CalibrationData {
 public:
  Pictures() : tensor_(*formats::ReadNpy(kGolden + "/x.npy")) {}
  [[nodiscard]] int64_t batches() const override { return 3; }
  Result<std::vector<TensorView>> Batch(int64_t index) override {
    constexpr size_t kBatch = 4 * 3 * 16 * 16;
    TensorView view;
    view.dims = {4, 3, 16, 16};
    view.data = tensor_.As<float>().data() + static_cast<size_t>(index) * kBatch;
    view.bytes = kBatch * sizeof(float);
    return std::vector<TensorView>{view};
  }

 private:
  program::Tensor tensor_;
};

QuantizeReport ReportOf(const QuantizeOptions& options) {
  Pictures pictures;
  ModelSource source;
  source.model_dir = kGolden;
  const formats::TemporaryFolder out;
  const auto report = Quantize(source, pictures, options, out.path());
  EXPECT_TRUE(report.ok()) << report.status().ToString();
  return report.ok() ? *report : QuantizeReport{};
}

TEST(MeasureTest, FiguresOfALayer) {
  QuantizeOptions options;
  options.report = ReportDetail::kLayers;
  const QuantizeReport report = ReportOf(options);
  ASSERT_EQ(report.layers.size(), 1U);
  const QuantizedLayer& layer = report.layers[0];
  const LayerFigures& figures = layer.figures;
  EXPECT_EQ(figures.batches, 3);
  const ActivationFigures& activation = figures.activation;
  const auto& bins = activation.histogram.bins;
  EXPECT_EQ(std::accumulate(bins.begin(), bins.end(), int64_t{0}), 3 * 3 * 16 * 16)
      << "the first sample of each batch";
  EXPECT_EQ(activation.least, 0) << "behind a relu";
  EXPECT_EQ(activation.histogram.low, 0);
  EXPECT_LE(activation.largest, layer.largest);
  EXPECT_NEAR(activation.mean, 0.4, 0.05) << "of half a normal distribution";
  EXPECT_LT(activation.clipped, 0.001);
  EXPECT_NEAR(figures.weight.quartiles[2], 0, 0.05);
  EXPECT_NEAR(figures.weight.deviation, 0.2, 0.03);
  EXPECT_GE(figures.weight.spread, 1);
  EXPECT_GT(figures.weight.sqnr_db, 35);
  EXPECT_GT(figures.alone.sqnr_db, 30);
  EXPECT_LT(figures.alone.sqnr_db, 60);
  EXPECT_DOUBLE_EQ(figures.alone.sqnr_db, figures.cumulative.sqnr_db) << "no layer before it";
  EXPECT_GT(figures.multiply_adds, 0);
  EXPECT_GT(figures.ms_fp32, 0);
  EXPECT_GT(report.speed.ms_int8, 0);
  EXPECT_LT(report.size.bytes_int8, report.size.bytes_fp32);
}

TEST(MeasureTest, OutputAloneByDefault) {
  const QuantizeReport report = ReportOf({});
  EXPECT_EQ(report.output.samples, 12);
  EXPECT_FALSE(report.output.classifier) << "its output is a picture";
  EXPECT_GT(report.output.error.cosine, 0.999);
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_EQ(report.layers[0].figures.batches, 0);
  QuantizeOptions none;
  none.report = ReportDetail::kNone;
  EXPECT_EQ(ReportOf(none).output.samples, 0);
}

TEST(MeasureTest, AdvisesSmallerStepsWhereTheyAreToBeHad) {
  const auto advised = [](double divergence, FullRange range) {
    QuantizeReport report;
    report.output = {.samples = 100, .classifier = true, .divergence = divergence};
    QuantizeOptions options;
    options.full_range = range;
    const std::vector<Advice> all = quant::AdviceFor(report, options);
    return std::any_of(all.begin(), all.end(),
                       [](const Advice& advice) { return advice.flags == "--full_range all"; });
  };
  EXPECT_TRUE(advised(0.012, FullRange::kDepthwise));
  EXPECT_FALSE(advised(0.012, FullRange::kAll));
  EXPECT_FALSE(advised(0.001, FullRange::kNone));
}

TEST(MeasureTest, WarnsOfARuinedModel) {
  QuantizeOptions options;
  options.hist_percent = 0.55;  // cuts off nearly all of a relu's positive values
  options.report = ReportDetail::kLayers;
  const QuantizeReport report = ReportOf(options);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_THAT(report.warnings[0], HasSubstr("cosine"));
  EXPECT_GT(report.layers[0].figures.activation.clipped, 0.3);
  ASSERT_GE(report.advice.size(), 2U);
  EXPECT_THAT(report.advice[0].title, HasSubstr("not fit for use"));
  EXPECT_THAT(report.advice[1].flags, HasSubstr("--hist_percent"));
}

TEST(MeasureTest, LabelsAndDivergence) {
  quant::OutputComparison comparison;
  const std::vector<int64_t> dims = {2, 3};
  comparison.Add(dims, std::vector<float>{0.7F, 0.2F, 0.1F, 0.1F, 0.8F, 0.1F},
                 std::vector<float>{0.7F, 0.2F, 0.1F, 0.8F, 0.1F, 0.1F});
  const OutputFigures figures = comparison.Figures();
  EXPECT_TRUE(figures.classifier);
  EXPECT_EQ(figures.samples, 2);
  EXPECT_DOUBLE_EQ(figures.agreement, 0.5);
  EXPECT_NEAR(figures.divergence, 0.5 * 0.7 * std::log(8), 1e-6);
  // Logits give the divergence of their softmax.
  EXPECT_NEAR(quant::Divergence(std::vector<float>{std::log(7.F), std::log(2.F), 0},
                                std::vector<float>{1 + std::log(2.F), 1 + std::log(7.F), 1}),
              0.5 * std::log(3.5), 1e-6);
  EXPECT_EQ(quant::WhyRuined(figures), "") << "one sample of two says nothing";
  OutputFigures ruined = figures;
  ruined.samples = 100;
  EXPECT_THAT(quant::WhyRuined(ruined), HasSubstr("50 of 100"));
}

}  // namespace
}  // namespace skiff
