// Convert: what comes out of each representation answers as the model that went in.
#include "skiff/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "formats/model_files.h"
#include "formats/npy.h"
#include "formats/quant_summary.h"
#include "formats/test_models.h"
#include "skiff/session.h"

namespace skiff {
namespace {

using testing::HasSubstr;

struct Answer {
  std::vector<float> values;
  int int8_layers = 0;
};

Answer Ask(const std::string& folder, Precision precision) {
  ModelSource source;
  source.model_dir = folder;
  SessionOptions options;
  options.precision = precision;
  const Result<program::Tensor> x =
      formats::ReadNpy(std::string(SKIFF_SOURCE_DIR) + "/tests/golden/quantised/x.npy");
  Result<std::unique_ptr<Session>> session = Session::Load(source, options);
  EXPECT_TRUE(session.ok()) << session.status().ToString();
  if (!session.ok()) return {};
  EXPECT_TRUE((*session)->SetInput(0, x->dtype, x->dims, x->data.bytes.data()).ok());
  EXPECT_TRUE((*session)->Run().ok());
  Answer answer;
  for (const LayerInfo& layer : (*session)->Layers()) {
    const bool product = layer.op.find("conv2d") != std::string::npos || layer.op == "fc";
    answer.int8_layers += product && layer.precision == "int8";
  }
  const Result<TensorView> out = (*session)->Output(0);
  EXPECT_TRUE(out.ok());
  answer.values.resize(out->bytes / sizeof(float));
  std::memcpy(answer.values.data(), out->data, out->bytes);
  return answer;
}

double Difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  double difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::fmax(largest, std::fabs(a[i]));
    difference = std::fmax(difference, std::fabs(a[i] - b[i]));
  }
  return difference / largest;
}

Result<ConvertReport> ConvertGolden(const std::string& name, const ConvertOptions& options,
                                    const std::string& out) {
  ModelSource source;
  source.model_dir = formats::GoldenFolder(name);
  return Convert(source, options, out);
}

struct Model {
  std::string name;
  std::string representation;
  int quantized;     // operators
  int int8_weights;  // parameters
  // The grids are the file's to the last bit, so INT8 answers are the same bytes.
  bool same_bytes;
};

class ConvertTest : public testing::TestWithParam<Model> {};

TEST_P(ConvertTest, AnswersAsTheModelThatWentIn) {
  const formats::TemporaryFolder out;
  const Result<ConvertReport> report = ConvertGolden(GetParam().name, {}, out.path());
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->representation, GetParam().representation);
  int quantized = 0;
  for (const ConvertedOperator& row : report->operators) quantized += row.why_float.empty();
  EXPECT_EQ(quantized, GetParam().quantized);

  ModelSource source;
  source.model_dir = out.path();
  const Result<program::Program> program = formats::LoadModel(source);
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  int int8_weights = 0;
  for (const auto& [name, tensor] : program->params) int8_weights += tensor.dtype == DType::kInt8;
  EXPECT_EQ(int8_weights, GetParam().int8_weights);

  const std::string golden = formats::GoldenFolder(GetParam().name);
  EXPECT_LE(Difference(Ask(golden, Precision::kSimulate).values,
                       Ask(out.path(), Precision::kSimulate).values),
            1e-6);
  // R2 and R6 still have the weights as they were before rounding.
  if (report->representation != "R2" && report->representation != "R6") {
    EXPECT_LE(
        Difference(Ask(golden, Precision::kFp32).values, Ask(out.path(), Precision::kFp32).values),
        1e-6);
  }
  const Answer before = Ask(golden, Precision::kInt8);
  const Answer after = Ask(out.path(), Precision::kInt8);
  EXPECT_EQ(before.int8_layers, after.int8_layers);
  if (GetParam().same_bytes) {
    EXPECT_EQ(before.values, after.values);
  } else {
    EXPECT_LE(Difference(before.values, after.values), 1e-6);
  }
}

// A converted model can be converted again, and nothing changes.
TEST_P(ConvertTest, IsDoneOnce) {
  const formats::TemporaryFolder first;
  const formats::TemporaryFolder second;
  ASSERT_TRUE(ConvertGolden(GetParam().name, {}, first.path()).ok());
  ModelSource source;
  source.model_dir = first.path();
  ASSERT_TRUE(Convert(source, {}, second.path()).ok());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(first.path())) {
    if (!entry.is_regular_file()) continue;
    const auto other = second.path() / entry.path().lexically_relative(first.path());
    EXPECT_EQ(formats::ReadText(entry.path()), formats::ReadText(other)) << other;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, ConvertTest,
    testing::Values(Model{"q26_old_cw", "R1", 7, 4, true},
                    // The file has 127 * 127 / s in place of s.
                    Model{"q26_old_abs", "R1", 7, 4, false},
                    Model{"q26_old_int8", "R1b", 7, 4, true},
                    Model{"q26_qat_old", "R2", 3, 3, true}, Model{"q26_onnx", "R3", 8, 4, true},
                    Model{"q26_qat_onnx", "R3", 6, 3, true}, Model{"m33leg_ptq", "R4", 3, 2, true},
                    Model{"q26_weight_cw", "R5", 0, 2, false},
                    Model{"q26_weight_abs", "R5", 0, 2, false},
                    Model{"q26_min_max", "R6", 4, 4, true}, Model{"q26_int8", "R7", 0, 0, true},
                    Model{"q26_int8_qat", "R7", 0, 1, true}),
    [](const auto& test) { return test.param.name; });

// Operators that are left out read the float tensors and the weights that their integers stand for.
TEST(ConvertTest, OperatorsCanBeChosenByType) {
  for (const char* model :
       {"q26_old_cw", "q26_old_int8", "q26_qat_old", "q26_onnx", "q26_min_max"}) {
    const std::string golden = formats::GoldenFolder(model);
    const int all = Ask(golden, Precision::kInt8).int8_layers;
    ConvertOptions options;
    options.ops_to_quantize = {"conv2d"};
    const formats::TemporaryFolder convolutions;
    ASSERT_TRUE(ConvertGolden(model, options, convolutions.path()).ok()) << model;
    EXPECT_EQ(Ask(convolutions.path(), Precision::kInt8).int8_layers, 2) << model;
    options.ops_to_quantize = {"fc", "pool2d"};
    const formats::TemporaryFolder products;
    ASSERT_TRUE(ConvertGolden(model, options, products.path()).ok()) << model;
    EXPECT_EQ(Ask(products.path(), Precision::kInt8).int8_layers, all - 2) << model;
    // Nothing that can be quantised remains: the float model.
    options.ops_to_quantize = {"prior_box"};
    const formats::TemporaryFolder none;
    ASSERT_TRUE(ConvertGolden(model, options, none.path()).ok()) << model;
    EXPECT_LE(Difference(Ask(golden, Precision::kFp32).values,
                         Ask(none.path(), Precision::kSimulate).values),
              1e-6)
        << model;
    ModelSource source;
    source.model_dir = none.path();
    EXPECT_EQ(formats::SummariseQuantisation(*formats::LoadModel(source)).operators_with_weights, 0)
        << model;
  }
}

TEST(ConvertTest, OperatorsCanBeSkippedById) {
  const formats::TemporaryFolder all;
  const Result<ConvertReport> report = ConvertGolden("q26_old_cw", {}, all.path());
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->operators[0].op, "conv2d");
  ConvertOptions options;
  options.op_ids_to_skip = {report->operators[0].id};
  options.debug = true;
  const formats::TemporaryFolder out;
  const Result<ConvertReport> skipped = ConvertGolden("q26_old_cw", options, out.path());
  ASSERT_TRUE(skipped.ok()) << skipped.status().ToString();
  EXPECT_THAT(skipped->operators[0].why_float, HasSubstr("op_ids_to_skip"));
  EXPECT_EQ(Ask(out.path(), Precision::kInt8).int8_layers, 3);
  // The graphs of --debug show the ids.
  EXPECT_THAT(formats::ReadText(out / "int8_0_quantised.dot"),
              HasSubstr("\"" + std::to_string(options.op_ids_to_skip[0]) + " conv2d\""));
  EXPECT_THAT(formats::ReadText(out / "int8_1_converted.dot"), HasSubstr("dequantize_linear"));
}

TEST(ConvertTest, FilesGetTheNamesThatWereAskedFor) {
  ConvertOptions options;
  options.save_model_filename = "net.pdmodel";
  const formats::TemporaryFolder out;
  ASSERT_TRUE(ConvertGolden("q26_old_cw", options, out.path()).ok());
  EXPECT_TRUE(std::filesystem::exists(out / "net.pdiparams"));
  options.save_model_filename = "__model__";
  options.save_params_filename = "__params__";
  ASSERT_TRUE(ConvertGolden("q26_old_abs", options, out.path()).ok());
  EXPECT_TRUE(std::filesystem::exists(out / "__params__"));
}

TEST(ConvertTest, RefusesWhatItCannotDo) {
  const formats::TemporaryFolder out;
  const auto refused = [&](const std::string& model, const ConvertOptions& options) {
    const Result<ConvertReport> report = ConvertGolden(model, options, out.path());
    return std::string(report.ok() ? "done" : report.status().message());
  };
  EXPECT_THAT(refused("q26_fp32", {}), HasSubstr("is not quantised"));
  EXPECT_THAT(refused("no_such_model", {}), HasSubstr("no_such_model"));
  ConvertOptions options;
  options.ops_to_quantize = {"relu"};
  EXPECT_THAT(refused("q26_old_cw", options), HasSubstr("type relu"));
  options.ops_to_quantize = {};
  options.op_ids_to_skip = {0};
  EXPECT_THAT(refused("q26_old_cw", options), HasSubstr("operator 0 of the model"));
  EXPECT_THAT(refused("q26_int8", options), HasSubstr("converted it already"));
  // A combined file of an earlier model would be read with the new program.
  std::ofstream(out / "__params__") << "old";
  EXPECT_THAT(refused("q26_old_cw", {}), HasSubstr("__params__"));
  std::filesystem::remove(out / "__params__");
  ASSERT_EQ(refused("q26_old_cw", {}), "done");
  ModelSource source;
  source.model_dir = out.path();
  const Result<ConvertReport> onto_itself = Convert(source, {}, out.path());
  ASSERT_FALSE(onto_itself.ok());
  EXPECT_THAT(std::string(onto_itself.status().message()), HasSubstr("would replace"));
}

}  // namespace
}  // namespace skiff
