// Section "Predictor": one test a row of docs/api.md.
#include <cstring>

#include "tests/api/api_models.h"

namespace skiff::api_tests {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

std::shared_ptr<paddle_infer::Predictor> Make() {
  return paddle_infer::CreatePredictor(ConfigOf("mobilenet_v2_int8"));
}

TEST(ApiPredictor, CreatePredictor_AConfigIsConsumed) {
  const paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  auto predictor = paddle_infer::CreatePredictor(config);
  EXPECT_THAT(ThrownBy([&] { paddle_infer::CreatePredictor(config); }),
              HasSubstr("Each config can only be used for one predictor"));
  // Not so its copies.
  EXPECT_NE(paddle_infer::CreatePredictor(paddle_infer::Config(config)), nullptr);
}

TEST(ApiPredictor, GetInputNames_GetOutputNames) {
  const auto predictor = Make();
  EXPECT_EQ(predictor->GetInputNames(), std::vector<std::string>{"x"});
  EXPECT_EQ(predictor->GetOutputNames().size(), 1U);
}

TEST(ApiPredictor, GetInputHandle_GetOutputHandle) {
  const auto predictor = Make();
  EXPECT_EQ(predictor->GetInputHandle("x")->name(), "x");
  const std::string unknown = "The variable named zzz is not found in the scope of the executor.";
  EXPECT_THAT(ThrownBy([&] { predictor->GetInputHandle("zzz"); }), HasSubstr(unknown));
  EXPECT_THAT(ThrownBy([&] { predictor->GetOutputHandle("zzz"); }), HasSubstr(unknown));
}

TEST(ApiPredictor, GetInputTensorShape_GetOutputTensorShape) {
  const auto predictor = Make();
  const auto inputs = predictor->GetInputTensorShape();
  ASSERT_EQ(inputs.count("x"), 1U);
  EXPECT_EQ(inputs.at("x").size(), 4U);
  EXPECT_EQ(inputs.at("x")[0], -1);
  EXPECT_EQ(inputs.at("x")[1], 3);
  EXPECT_EQ(predictor->GetOutputTensorShape().begin()->second.back(), 1000);
}

TEST(ApiPredictor, GetInputTypes_GetOutputTypes) {
  const auto predictor = Make();
  EXPECT_EQ(predictor->GetInputTypes().at("x"), paddle_infer::DataType::FLOAT32);
  EXPECT_EQ(predictor->GetOutputTypes().begin()->second, paddle_infer::DataType::FLOAT32);
}

TEST(ApiPredictor, Run) {
  const auto predictor = Make();
  const std::vector<float> scores = RunOn(*predictor, {2, 3, 64, 64});
  ASSERT_EQ(scores.size(), 2000U);
  EXPECT_NEAR(std::accumulate(scores.begin(), scores.begin() + 1000, 0.0), 1.0, 1e-3);
}

TEST(ApiPredictor, Run_UnsetInput) {
  const auto predictor = Make();
  EXPECT_THAT(ThrownBy([&] { predictor->Run(); }), StartsWith("(PreconditionNotMet) input x"));
}

TEST(ApiPredictor, Run_InputOfAnotherTypeOrRank) {
  const auto predictor = Make();
  const auto input = predictor->GetInputHandle("x");
  input->Reshape({1, 3, 4, 4});
  const std::vector<double> doubles(48);
  input->CopyFromCpu(doubles.data());
  EXPECT_THAT(ThrownBy([&] { predictor->Run(); }), HasSubstr("x is float32, given float64"));
  input->Reshape({48});
  input->CopyFromCpu(Pixels({48}).data());
  EXPECT_THAT(ThrownBy([&] { predictor->Run(); }), HasSubstr("input x has rank 4"));
  input->Reshape({1, 5, 4, 4});
  input->CopyFromCpu(Pixels({80}).data());
  EXPECT_THAT(ThrownBy([&] { predictor->Run(); }), StartsWith("(InvalidArgument)"));
  // And it still works.
  EXPECT_EQ(RunOn(*predictor, kSmall), RunOn(*Make(), kSmall));
}

TEST(ApiPredictor, RunWithTensors) {
  const auto predictor = Make();
  const std::vector<float> expected = RunOn(*Make(), kSmall);
  std::vector<float> pixels = Pixels(kSmall);
  const paddle::Tensor input = paddle::from_blob(pixels.data(), {1, 3, 64, 64});
  std::vector<paddle::Tensor> outputs;
  EXPECT_TRUE(predictor->Run({input}, &outputs));
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_EQ(outputs[0].shape(), (std::vector<int64_t>{1, 1000}));
  EXPECT_EQ(outputs[0].name(), predictor->GetOutputNames()[0]);
  EXPECT_EQ(0, std::memcmp(outputs[0].data<float>(), expected.data(), 4000));
  EXPECT_THAT(ThrownBy([&] { outputs[0].data<int>(); }), StartsWith("(InvalidArgument)"));

  paddle::Tensor named = paddle::empty({1, 3, 64, 64});
  std::memcpy(named.data<float>(), pixels.data(), pixels.size() * sizeof(float));
  named.set_name("x");
  EXPECT_TRUE(predictor->Run({named}, &outputs));
  EXPECT_EQ(0, std::memcmp(outputs[0].data<float>(), expected.data(), 4000));
  EXPECT_THAT(ThrownBy([&] {
                predictor->Run({input, input}, &outputs);
              }),
              HasSubstr("wrong feed input size, need 1 but get 2."));
  EXPECT_THAT(ThrownBy([&] { predictor->Run({paddle::Tensor()}, &outputs); }), HasSubstr("empty"));
}

TEST(ApiPredictor, Clone) {
  auto predictor = Make();
  const std::vector<float> expected = RunOn(*predictor, kSmall);
  const std::unique_ptr<paddle_infer::Predictor> clone = predictor->Clone();
  EXPECT_EQ(clone->GetInputHandle("x")->shape(), std::vector<int>{0});
  EXPECT_THAT(ThrownBy([&] { clone->Run(); }), StartsWith("(PreconditionNotMet)"));
  predictor.reset();
  EXPECT_EQ(RunOn(*clone, kSmall), expected);
  EXPECT_EQ(RunOn(*clone, {3, 3, 32, 96}).size(), 3000U);
}

TEST(ApiPredictor, ClearIntermediateTensor) {
  const auto predictor = Make();
  const std::vector<float> expected = RunOn(*predictor, kSmall);
  const auto input = predictor->GetInputHandle("x");
  const auto output = predictor->GetOutputHandle(predictor->GetOutputNames()[0]);
  predictor->ClearIntermediateTensor();
  EXPECT_EQ(input->shape(), kSmall);
  EXPECT_EQ(output->shape(), (std::vector<int>{1, 1000}));
  EXPECT_THAT(ThrownBy([&] { predictor->Run(); }), HasSubstr("holds no memory"));
  std::vector<float> scores(1000);
  EXPECT_THAT(ThrownBy([&] { output->CopyToCpu(scores.data()); }), StartsWith("(PreconditionNot"));
  // Handles stay valid.
  input->CopyFromCpu(Pixels(kSmall).data());
  predictor->Run();
  output->CopyToCpu(scores.data());
  EXPECT_EQ(scores, expected);
}

TEST(ApiPredictor, TryShrinkMemory) {
  const auto predictor = Make();
  EXPECT_GT(predictor->TryShrinkMemory(), 0U);  // what the warm-up left
  EXPECT_EQ(predictor->TryShrinkMemory(), 0U);
  const std::vector<float> expected = RunOn(*predictor, kSmall);
  EXPECT_GT(predictor->TryShrinkMemory(), 0U);
  EXPECT_EQ(predictor->TryShrinkMemory(), 0U);
  predictor->Run();  // inputs stay
  std::vector<float> scores(1000);
  predictor->GetOutputHandle(predictor->GetOutputNames()[0])->CopyToCpu(scores.data());
  EXPECT_EQ(scores, expected);
}

// What a hook was called with.
struct Seen {
  std::string op, name;
  std::vector<int> shape;
  paddle_infer::DataType type;
  std::vector<float> floats;  // of float tensors
};

std::function<void(const std::string&, const std::string&, const paddle_infer::Tensor&)> Recorder(
    std::vector<Seen>* seen) {
  return [seen](const std::string& op, const std::string& name, const paddle_infer::Tensor& t) {
    Seen one = {op, name, t.shape(), t.type(), {}};
    EXPECT_EQ(t.name(), name);
    if (one.type == paddle_infer::DataType::FLOAT32) {
      one.floats.resize(static_cast<size_t>(
          std::accumulate(one.shape.begin(), one.shape.end(), 1, std::multiplies<>())));
      t.CopyToCpu(one.floats.data());
    }
    seen->push_back(std::move(one));
  };
}

TEST(ApiPredictor, RegisterOutputHook_RegisterInputHook) {
  const auto predictor = Make();
  const std::vector<float> expected = RunOn(*predictor, kSmall);
  std::vector<Seen> read;
  std::vector<Seen> written;
  predictor->RegisterInputHook(Recorder(&read));
  predictor->RegisterOutputHook(Recorder(&written));
  EXPECT_EQ(RunOn(*predictor, kSmall), expected);
  ASSERT_FALSE(read.empty());
  ASSERT_FALSE(written.empty());
  EXPECT_EQ(read.front().name, "x");
  EXPECT_EQ(read.front().shape, kSmall);
  EXPECT_EQ(read.front().floats, Pixels(kSmall)) << "N, C, H, W";
  EXPECT_EQ(written.front().op, "conv2d");
  EXPECT_EQ(written.front().shape, (std::vector<int>{1, 32, 32, 32}));
  EXPECT_EQ(written.front().type, paddle_infer::DataType::UINT8) << "codes of an integer layer";
  EXPECT_EQ(written.back().op, "softmax");
  EXPECT_EQ(written.back().floats, expected);
  const size_t calls = written.size();
  RunOn(*predictor->Clone(), kSmall);
  EXPECT_EQ(written.size(), calls) << "clones have no hooks";
  std::vector<Seen> again;
  predictor->RegisterOutputHook(Recorder(&again));
  predictor->Run();
  EXPECT_EQ(again.size(), calls);
  EXPECT_EQ(written.size(), 2 * calls) << "both hooks are called";
}

TEST(ApiPredictor, AnExceptionOfAHookLeavesRun) {
  const auto predictor = Make();
  bool armed = true;
  predictor->RegisterOutputHook(
      [&](const std::string&, const std::string&, const paddle_infer::Tensor&) {
        if (armed) throw std::runtime_error("enough");
      });
  EXPECT_THROW(RunOn(*predictor, kSmall), std::runtime_error);
  armed = false;
  EXPECT_EQ(RunOn(*predictor, kSmall), RunOn(*Make(), kSmall));
}

TEST(ApiPredictor, GetExecStream) { EXPECT_EQ(Make()->GetExecStream(), nullptr); }

TEST(ApiPredictor, GetNumBytesOfDataType) {
  EXPECT_EQ(paddle_infer::GetNumBytesOfDataType(paddle_infer::DataType::FLOAT32), 4);
  EXPECT_EQ(paddle_infer::GetNumBytesOfDataType(paddle_infer::DataType::INT64), 8);
  EXPECT_EQ(paddle_infer::GetNumBytesOfDataType(paddle_infer::DataType::INT32), 4);
  EXPECT_EQ(paddle_infer::GetNumBytesOfDataType(paddle_infer::DataType::UINT8), 1);
  for (const auto type : {paddle_infer::FLOAT64, paddle_infer::FLOAT16, paddle_infer::BFLOAT16,
                          paddle_infer::INT8, paddle_infer::BOOL}) {
    EXPECT_EQ(paddle_infer::GetNumBytesOfDataType(type), -1);
  }
}

TEST(ApiPredictor, GetVersion) {
  EXPECT_THAT(paddle_infer::GetVersion(),
              MatchesRegex("version: [0-9.]+\ncommit: [0-9a-z]+\nbranch: [a-z]+\n"));
}

TEST(ApiPredictor, GetTrtCompileVersion_GetTrtRuntimeVersion) {
  EXPECT_EQ(paddle_infer::GetTrtCompileVersion(), std::make_tuple(0, 0, 0));
  EXPECT_EQ(paddle_infer::GetTrtRuntimeVersion(), std::make_tuple(0, 0, 0));
}

TEST(ApiPredictor, UpdateDllFlag) {
  EXPECT_THAT(ThrownBy([] { paddle_infer::UpdateDllFlag("no_such_flag", "1"); }),
              StartsWith("(NotFound) The flag no_such_flag"));
}

TEST(ApiPredictor, ConvertToMixedPrecision) {
  EXPECT_THAT(ThrownBy([] {
                paddle_infer::ConvertToMixedPrecision("m", "p", "m2", "p2",
                                                      paddle_infer::PrecisionType::kHalf,
                                                      paddle_infer::PlaceType::kGPU);
              }),
              StartsWith("(Unavailable)"));
}

TEST(ApiPredictor, PredictorPool) {
  paddle_infer::services::PredictorPool pool(ConfigOf("mobilenet_v2_int8"), 3);
  EXPECT_NE(pool.Retrive(0), pool.Retrieve(2));
  EXPECT_EQ(pool.Retrive(1), pool.Retrieve(1));
  EXPECT_EQ(RunOn(*pool.Retrive(2), kSmall), RunOn(*Make(), kSmall));
  EXPECT_THAT(ThrownBy([&] { pool.Retrieve(3); }), StartsWith("(InvalidArgument) There are (3)"));
  EXPECT_THAT(ThrownBy([] {
                paddle_infer::services::PredictorPool none(ConfigOf("mobilenet_v2_int8"), 0);
              }),
              StartsWith("(InvalidArgument)"));
}

TEST(ApiPredictor, TensorUtils_InternalUtils_Status) {
  const auto predictor = Make();
  const auto clone = predictor->Clone();
  const std::vector<float> expected = RunOn(*predictor, kSmall);
  paddle_infer::contrib::TensorUtils::CopyTensor(clone->GetInputHandle("x").get(),
                                                 *predictor->GetInputHandle("x"));
  clone->Run();
  std::vector<float> scores(1000);
  clone->GetOutputHandle(clone->GetOutputNames()[0])->CopyToCpu(scores.data());
  EXPECT_EQ(scores, expected);
  EXPECT_FALSE(
      paddle_infer::experimental::InternalUtils::RunWithExternalStream(predictor.get(), nullptr));
  const auto status = paddle_infer::contrib::get_status([&] { predictor->GetInputHandle("zzz"); });
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.error_message(), HasSubstr("zzz"));
}

}  // namespace
}  // namespace skiff::api_tests
