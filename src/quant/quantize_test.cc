#include "skiff/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "formats/calibration_table.h"
#include "formats/model_files.h"
#include "formats/npy.h"
#include "formats/test_models.h"

namespace skiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kGolden = std::string(SKIFF_SOURCE_DIR) + "/tests/golden/ptq";

// The samples of an array, some at a time.
class Samples final : public CalibrationData {
 public:
  explicit Samples(std::vector<float> values, int64_t batch)
      : values_(std::move(values)), batch_(batch) {}
  [[nodiscard]] int64_t batches() const override {
    return static_cast<int64_t>(values_.size()) / (batch_ * kSample);
  }
  Result<std::vector<TensorView>> Batch(int64_t index) override {
    TensorView view;
    view.dtype = DType::kFloat32;
    view.dims = {batch_, 3, 16, 16};
    view.data = values_.data() + index * batch_ * kSample;
    view.bytes = static_cast<size_t>(batch_ * kSample) * sizeof(float);
    return std::vector<TensorView>{view};
  }
  static constexpr int64_t kSample = 3 * 16 * 16;

 private:
  std::vector<float> values_;
  int64_t batch_;
};

std::vector<float> GoldenPictures() {
  const Result<program::Tensor> x = formats::ReadNpy(kGolden + "/x.npy");
  const std::span<const float> values = x->As<float>();
  return {values.begin(), values.end()};
}

ModelSource GoldenModel() {
  ModelSource source;
  source.model_dir = kGolden;
  return source;
}

// Paddle's thresholds by "algorithm variable".
std::map<std::string, double> PaddleThresholds() {
  std::map<std::string, double> thresholds;
  std::ifstream file(kGolden + "/thresholds.csv");
  for (std::string line; std::getline(file, line);) {
    std::stringstream in(line);
    std::string algorithm;
    std::string format;
    std::string variable;
    double value = 0;
    std::getline(in, algorithm, ',');
    std::getline(in, format, ',');
    std::getline(in, variable, ',');
    // The old format's mse and emd cut negative values off, a defect that is not followed.
    if (format == "onnx" && in >> value) thresholds[algorithm + " " + variable] = value;
  }
  return thresholds;
}

TEST(QuantizeTest, ThresholdsArePaddles) {
  const std::map<std::string, double> paddle = PaddleThresholds();
  ASSERT_EQ(paddle.size(), 21U);
  for (const auto& [name, expected] : paddle) {
    const std::string algorithm = name.substr(0, name.find(' '));
    const std::string variable = name.substr(name.find(' ') + 1);
    Samples samples(GoldenPictures(), 4);
    QuantizeOptions options;
    options.algo = *ParseCalibrationAlgorithm(algorithm);
    const formats::TemporaryFolder out;
    ASSERT_TRUE(Quantize(GoldenModel(), samples, options, out.path()).ok());
    const auto table = formats::ReadCalibrationTable(out / "calibration_table.txt");
    ASSERT_TRUE(table.ok());
    EXPECT_NEAR(table->at(variable), expected, 1e-5 * expected) << name;
  }
}

// Both formats give the same integers and the same grids; only the operators differ.
TEST(QuantizeTest, WritesBothFormats) {
  for (const bool onnx_format : {true, false}) {
    Samples samples(GoldenPictures(), 4);
    QuantizeOptions options;
    options.onnx_format = onnx_format;
    const formats::TemporaryFolder out;
    const auto report = Quantize(GoldenModel(), samples, options, out.path());
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    ASSERT_EQ(report->layers.size(), 1U);
    EXPECT_EQ(report->layers[0].why_float, "");
    EXPECT_EQ(report->batches, 3);
    ModelSource source;
    source.model_dir = out.path();
    const auto program = formats::LoadModel(source);
    ASSERT_TRUE(program.ok()) << program.status().ToString();
    const program::Tensor& weight = program->params.at("w0");
    EXPECT_EQ(weight.dtype, onnx_format ? DType::kInt8 : DType::kFloat32);
    int64_t sum = 0;
    int64_t absolute = 0;
    for (size_t i = 0; i < 216; ++i) {
      const int code =
          onnx_format ? weight.As<int8_t>()[i] : static_cast<int>(weight.As<float>()[i]);
      sum += code;
      absolute += std::abs(code);
    }
    EXPECT_EQ(sum, -622);  // Paddle's
    EXPECT_EQ(absolute, 10840);
  }
}

std::string ErrorOf(std::vector<float> pictures, const QuantizeOptions& options) {
  Samples samples(std::move(pictures), 4);
  const formats::TemporaryFolder out;
  const auto report = Quantize(GoldenModel(), samples, options, out / "model");
  EXPECT_FALSE(std::filesystem::exists(out / "model")) << "nothing is written";
  return report.ok() ? "" : report.status().ToString();
}

TEST(QuantizeTest, BadInputIsNamed) {
  std::vector<float> pictures = GoldenPictures();
  pictures[5000] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(ErrorOf(pictures, {}),
              AllOf(HasSubstr("batch 1"), HasSubstr("x"), HasSubstr("not finite")));
  EXPECT_THAT(ErrorOf({}, {}), HasSubstr("no calibration data"));
  QuantizeOptions unknown;
  unknown.quantizable_op_type = {"relu"};
  EXPECT_THAT(ErrorOf(GoldenPictures(), unknown), HasSubstr("relu"));
  QuantizeOptions skipped;
  skipped.skip_tensor_list = {"w0"};
  EXPECT_THAT(ErrorOf(GoldenPictures(), skipped), HasSubstr("no operator can be quantised"));
  QuantizeOptions percent;
  percent.hist_percent = 0;
  EXPECT_THAT(ErrorOf(GoldenPictures(), percent), HasSubstr("hist_percent"));
  EXPECT_THAT(ParseCalibrationAlgorithm("best").status().ToString(),
              AllOf(HasSubstr("best"), HasSubstr("KL")));
}

}  // namespace
}  // namespace skiff
