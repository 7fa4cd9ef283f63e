// The quantised representations R1 to R7 (docs/formats.md) on small real models: `simulate` against
// Paddle 2.6.2, `int8` against `simulate` layer by layer, and the same bytes on every rung.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/isa.h"
#include "formats/npy.h"
#include "session/compare.h"
#include "session/load.h"
#include "skiff/session.h"

namespace skiff {
namespace {

const std::string kGolden = std::string(SKIFF_SOURCE_DIR) + "/tests/golden/";

struct Model {
  std::string name;
  int int8_layers;  // convolutions and products that run in integers
  // Paddle's answer is stored. It is not for R1b and R5, whose integer weights Paddle 2.6.2 cannot
  // run, for R6, where it runs the float model, and for q26_int8_qat, where its predictor rewrites
  // the program once more before it runs it.
  bool has_answer;
};

class RepresentationTest : public ::testing::TestWithParam<Model> {
 protected:
  void SetUp() override {
    Result<program::Tensor> x = formats::ReadNpy(kGolden + "quantised/x.npy");
    ASSERT_TRUE(x.ok()) << x.status().ToString();
    x_ = *x;
    source_.model_dir = kGolden + "formats/" + GetParam().name;
  }
  void TearDown() override { unsetenv("SKIFF_ISA"); }

  // The first output, as bytes.
  std::vector<std::byte> Run(Precision precision, int threads = 1) {
    SessionOptions options;
    options.precision = precision;
    options.threads = threads;
    Result<std::unique_ptr<Session>> session = Session::Load(source_, options);
    EXPECT_TRUE(session.ok()) << session.status().ToString();
    if (!session.ok()) return {};
    EXPECT_TRUE((*session)->SetInput(0, x_.dtype, x_.dims, x_.data.bytes.data()).ok());
    const Status status = (*session)->Run();
    EXPECT_TRUE(status.ok()) << status.ToString();
    int int8 = 0;
    for (const LayerInfo& layer : (*session)->Layers()) {
      const bool product = layer.op.find("conv2d") != std::string::npos || layer.op == "fc" ||
                           layer.op == "matmul_v2";
      int8 += product && layer.precision == "int8";
    }
    EXPECT_EQ(int8, precision == Precision::kInt8 ? GetParam().int8_layers : 0);
    const Result<TensorView> out = (*session)->Output(0);
    EXPECT_TRUE(out.ok());
    std::vector<std::byte> bytes(out->bytes);
    std::memcpy(bytes.data(), out->data, bytes.size());
    return bytes;
  }

  program::Tensor x_;
  ModelSource source_;
};

TEST_P(RepresentationTest, SimulationAnswersAsPaddle) {
  const std::vector<std::byte> bytes = Run(Precision::kSimulate);
  Run(Precision::kFp32);
  if (!GetParam().has_answer) return;
  const Result<program::Tensor> want =
      formats::ReadNpy(kGolden + "quantised/" + GetParam().name + ".npy");
  ASSERT_TRUE(want.ok()) << want.status().ToString();
  ASSERT_EQ(bytes.size(), want->data.bytes.size());
  const auto* got = reinterpret_cast<const float*>(bytes.data());
  double error = 0;
  double largest = 0;
  for (size_t i = 0; i < want->As<float>().size(); ++i) {
    error = std::fmax(error, std::fabs(got[i] - want->As<float>()[i]));
    largest = std::fmax(largest, std::fabs(want->As<float>()[i]));
  }
  EXPECT_LE(error / largest, 1e-6);
}

TEST_P(RepresentationTest, EveryInt8LayerIsWithinOneStepOfSimulation) {
  const Result<program::Program> program = session::ReadSource(source_);
  ASSERT_TRUE(program.ok());
  const Result<session::CompareResult> result = session::CompareLayers(
      *program, {}, Precision::kSimulate, {{x_.dtype, x_.dims, x_.data.bytes.data()}});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_FALSE(result->layers.empty());
  for (const session::LayerDifference& layer : result->layers) {
    EXPECT_LE(layer.max_steps, 1) << layer.op << " " << layer.name;
    if (layer.max_steps < 0) {
      EXPECT_LE(layer.max_relative, 1e-5) << layer.op << " " << layer.name;
    }
  }
}

TEST_P(RepresentationTest, TheSameBytesOnEveryRungAndThreadCount) {
  setenv("SKIFF_ISA", "scalar", 1);
  const std::vector<std::byte> want = Run(Precision::kInt8);
  for (const Isa isa : SupportedIsas()) {
    setenv("SKIFF_ISA", std::string(Name(isa)).c_str(), 1);
    for (const int threads : {1, 2}) {
      EXPECT_EQ(Run(Precision::kInt8, threads), want) << Name(isa) << ", threads " << threads;
    }
  }
}

TEST_P(RepresentationTest, WarmUpIsForgotten) {
  SessionOptions options;
  options.warm_up = false;
  const Result<std::unique_ptr<Session>> cold = Session::Load(source_, options);
  ASSERT_TRUE(cold.ok()) << cold.status().ToString();
  EXPECT_EQ((*cold)->activation_bytes(), 0U);
  options.warm_up = true;
  options.profile = true;
  const Result<std::unique_ptr<Session>> warm = Session::Load(source_, options);
  ASSERT_TRUE(warm.ok()) << warm.status().ToString();
  EXPECT_GT((*warm)->activation_bytes(), 0U);
  EXPECT_FALSE((*warm)->Output(0).ok());
  EXPECT_FALSE((*warm)->Run().ok()) << "its input was never set";
  for (const LayerInfo& layer : (*warm)->Layers()) EXPECT_EQ(layer.runs, 0);
}

INSTANTIATE_TEST_SUITE_P(Models, RepresentationTest,
                         ::testing::Values(Model{"q26_old_cw", 4, true},         // R1, per channel
                                           Model{"q26_old_abs", 4, true},        // R1, per tensor
                                           Model{"q26_old_int8", 4, false},      // R1b
                                           Model{"q26_qat_old", 3, true},        // R2
                                           Model{"q26_onnx", 4, true},           // R3, static
                                           Model{"q26_attention", 5, true},      // R3
                                           Model{"q26_attention_old", 5, true},  // R1
                                           Model{"q26_qat_onnx", 3, true},       // R3, eager
                                           Model{"m33leg_ptq", 2, true},         // R4
                                           Model{"q26_weight_cw", 0, false},     // R5
                                           Model{"q26_weight_abs", 0, false},
                                           Model{"q26_min_max", 4, false},  // R6
                                           Model{"q26_int8", 1, true},      // R7, online form
                                           Model{"q26_int8_qat", 2, false}  // R7, offline form
                                           ),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace skiff
