// QuantizeDynamic gives the integers and steps of Paddle 2.6.2, QuantizeEmbedding tables that are
// within half a step; Skiff reads both.
#include "skiff/quantize_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "formats/model_files.h"
#include "formats/npy.h"
#include "formats/quant_summary.h"
#include "formats/test_models.h"
#include "skiff/session.h"

namespace skiff {
namespace {

using testing::HasSubstr;

const std::string kGolden = std::string(SKIFF_SOURCE_DIR) + "/tests/golden/";

ModelSource Folder(const std::string& folder) {
  ModelSource source;
  source.model_dir = folder;
  return source;
}

// Every output, as floats; integers stand for themselves.
std::vector<std::vector<float>> RunModel(const std::string& folder,
                                         const std::vector<program::Tensor>& inputs) {
  Result<std::unique_ptr<Session>> session = Session::Load(Folder(folder), {});
  EXPECT_TRUE(session.ok()) << session.status().ToString();
  if (!session.ok()) return {};
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_TRUE(
        (*session)->SetInput(i, inputs[i].dtype, inputs[i].dims, inputs[i].data.bytes.data()).ok());
  }
  EXPECT_TRUE((*session)->Run().ok());
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < (*session)->outputs().size(); ++i) {
    const Result<TensorView> out = (*session)->Output(i);
    EXPECT_EQ(out->dtype, DType::kFloat32);
    const auto* values = static_cast<const float*>(out->data);
    outputs.emplace_back(values, values + out->bytes / sizeof(float));
  }
  return outputs;
}

double Difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = std::fmax(difference, std::fabs(a[i] - b[i]));
  }
  return difference;
}

std::vector<program::Tensor> Picture() { return {*formats::ReadNpy(kGolden + "quantised/x.npy")}; }

TEST(QuantizeDynamicTest, StoresWhatPaddleStores) {
  for (const bool per_channel : {true, false}) {
    DynamicOptions options;
    options.weight_per_channel = per_channel;
    const formats::TemporaryFolder out;
    const auto report = QuantizeDynamic(Folder(kGolden + "formats/q26_fp32"), options, out.path());
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    const Result<program::Program> got = formats::LoadModel(Folder(out / "quantized_model"));
    const Result<program::Program> want = formats::LoadModel(
        Folder(kGolden + "formats/" + (per_channel ? "q26_weight_cw" : "q26_weight_abs")));
    ASSERT_TRUE(got.ok() && want.ok());
    int weights = 0;
    for (const auto& [name, tensor] : want->params) {
      const program::Tensor& mine = got->params.at(name);
      ASSERT_EQ(mine.dtype, tensor.dtype) << name;
      weights += tensor.dtype == DType::kInt8;
      EXPECT_TRUE(std::ranges::equal(mine.data.bytes, tensor.data.bytes)) << name;
    }
    EXPECT_EQ(weights, 2);
    for (const program::OpDesc& op : want->blocks[0].ops) {
      for (const program::Attribute& attribute : op.attributes) {
        if (!attribute.name.ends_with("_quant_scale")) continue;
        const auto& steps = std::get<std::vector<float>>(attribute.value);
        bool found = false;
        for (const program::OpDesc& mine : got->blocks[0].ops) {
          const auto* same = program::FindAttribute(mine.attributes, attribute.name);
          if (same == nullptr) continue;
          found = true;
          EXPECT_THAT(std::get<std::vector<float>>(same->value),
                      testing::Pointwise(testing::FloatEq(), steps));
          EXPECT_EQ(program::FindAttribute(mine.attributes, "quantization_type")->value,
                    program::FindAttribute(op.attributes, "quantization_type")->value);
        }
        EXPECT_TRUE(found) << attribute.name;
      }
    }
  }
}

TEST(QuantizeDynamicTest, AnswersAsTheTestModel) {
  const std::string model = kGolden + "formats/q26_fp32";
  const auto exact = RunModel(model, Picture());
  double error_of_8 = 0;
  for (const int bits : {8, 16}) {
    DynamicOptions options;
    options.weight_bits = bits;
    options.quantizable_op_type = {"conv2d", "depthwise_conv2d", "mul", "matmul_v2"};
    options.generate_test_model = true;
    const formats::TemporaryFolder out;
    const auto report = QuantizeDynamic(Folder(model), options, out.path());
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    ASSERT_EQ(report->weights.size(), 4U);
    EXPECT_LT(report->bytes_after, report->bytes_before);
    const auto quantized = RunModel(out / "quantized_model", Picture());
    const auto test = RunModel(out / "test_model", Picture());
    EXPECT_EQ(quantized, test);
    EXPECT_EQ(formats::SummariseQuantisation(*formats::LoadModel(Folder(out / "test_model")))
                  .representation,
              formats::Representation::kNone);
    const double error = Difference(quantized[0], exact[0]);
    EXPECT_GT(error, 0);
    if (bits == 8) {
      EXPECT_LT(error, 0.01);
      error_of_8 = error;
    } else {
      EXPECT_LT(error, error_of_8 / 50);
    }
  }
}

TEST(QuantizeDynamicTest, RefusesWhatItCannotDo) {
  const formats::TemporaryFolder out;
  const auto refused = [&](const DynamicOptions& options) {
    const auto report = QuantizeDynamic(Folder(kGolden + "formats/q26_fp32"), options, out / "new");
    return std::string(report.ok() ? "done" : report.status().message());
  };
  DynamicOptions options;
  options.weight_bits = 4;
  EXPECT_THAT(refused(options), HasSubstr("weight_bits 4"));
  options.weight_bits = 8;
  options.quantizable_op_type = {"relu"};
  EXPECT_THAT(refused(options), HasSubstr("relu"));
  EXPECT_FALSE(std::filesystem::exists(out / "new"));
}

// The look-ups of tests/golden/ops/gather: one table, three readers, one of them with padding.
TEST(QuantizeEmbeddingTest, TablesAreWithinHalfAStep) {
  const std::string model = kGolden + "ops/gather";
  std::vector<program::Tensor> inputs;
  const Result<std::unique_ptr<Session>> session = Session::Load(Folder(model), {});
  ASSERT_TRUE(session.ok());
  for (const TensorInfo& input : (*session)->inputs()) {
    inputs.push_back(*formats::ReadNpy(model + "/in." + input.name + ".npy"));
  }
  const auto exact = RunModel(model, inputs);

  const formats::TemporaryFolder out;
  const auto report = QuantizeEmbedding(Folder(model), {}, out.path());
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  ASSERT_EQ(report->weights.size(), 3U);
  const Result<program::Program> program = formats::LoadModel(Folder(out.path()));
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  EXPECT_EQ(program->params.at("table.int8").dtype, DType::kInt8);
  EXPECT_FALSE(program->params.contains("table"));
  const float threshold = program->params.at("table.scale").As<float>()[0];

  const auto quantized = RunModel(out.path(), inputs);
  ASSERT_EQ(quantized.size(), exact.size());
  double largest = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    largest = std::fmax(largest, Difference(quantized[i], exact[i]));
  }
  EXPECT_LE(largest, threshold / 127 / 2 * 1.0001);
  EXPECT_GT(largest, threshold / 127 / 8);

  EmbeddingOptions narrow;
  narrow.threshold = threshold / 2;
  ASSERT_TRUE(QuantizeEmbedding(Folder(model), narrow, out.path()).ok());
  EXPECT_EQ(formats::LoadModel(Folder(out.path()))->params.at("table.scale").As<float>()[0],
            threshold / 2);
}

TEST(QuantizeEmbeddingTest, RefusesWhatItCannotDo) {
  const formats::TemporaryFolder out;
  const auto refused = [&](const std::string& model, const EmbeddingOptions& options) {
    const auto report = QuantizeEmbedding(Folder(kGolden + model), options, out.path());
    return std::string(report.ok() ? "done" : report.status().message());
  };
  EXPECT_THAT(refused("formats/q26_fp32", {}), HasSubstr("no embedding table"));
  EmbeddingOptions options;
  options.threshold = -1.0F;
  EXPECT_THAT(refused("ops/gather", options), HasSubstr("threshold -1"));
  options.threshold.reset();
  options.quantizable_op_type = {"pyramid_hash"};
  EXPECT_THAT(refused("ops/gather", options), HasSubstr("pyramid_hash"));
}

}  // namespace
}  // namespace skiff
