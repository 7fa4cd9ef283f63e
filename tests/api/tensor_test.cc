// Sections "Tensor" and "the older interface": one test a row of docs/api.md.
#include <cstring>

#include "tests/api/api_models.h"

namespace skiff::api_tests {
namespace {

using paddle_infer::PlaceType;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ApiTensor : public ::testing::Test {
 protected:
  ApiTensor()
      : predictor_(paddle_infer::CreatePredictor(ConfigOf("mobilenet_v2_int8"))),
        input_(predictor_->GetInputHandle("x")),
        output_(predictor_->GetOutputHandle(predictor_->GetOutputNames()[0])),
        pixels_(Pixels(kSmall)),
        expected_(RunOn(*predictor_->Clone(), kSmall)) {}

  std::vector<float> Scores() {
    std::vector<float> scores(1000);
    output_->CopyToCpu(scores.data());
    return scores;
  }

  std::shared_ptr<paddle_infer::Predictor> predictor_;
  std::unique_ptr<paddle_infer::Tensor> input_;
  std::unique_ptr<paddle_infer::Tensor> output_;
  std::vector<float> pixels_;
  std::vector<float> expected_;
};

TEST_F(ApiTensor, BeforeAnythingIsSet) {
  EXPECT_EQ(input_->shape(), std::vector<int>{0});
  EXPECT_EQ(output_->shape(), std::vector<int>{0});
  EXPECT_EQ(input_->type(), paddle_infer::DataType::FLOAT32);
  EXPECT_TRUE(input_->lod().empty());
  EXPECT_THAT(ThrownBy([&] { Scores(); }), StartsWith("(PreconditionNotMet)"));
}

TEST_F(ApiTensor, Reshape) {
  EXPECT_THAT(ThrownBy([&] { input_->CopyFromCpu(pixels_.data()); }),
              HasSubstr("You should call Tensor::Reshape"));
  input_->Reshape(kSmall);
  EXPECT_EQ(input_->shape(), kSmall);
  EXPECT_THAT(ThrownBy([&] { output_->Reshape({1}); }), StartsWith("(PermissionDenied)"));
}

TEST_F(ApiTensor, Reshape_SmallerKeepsAPrefix) {
  input_->Reshape({2, 3, 64, 64});
  std::vector<float> two = pixels_;
  two.insert(two.end(), pixels_.rbegin(), pixels_.rend());
  input_->CopyFromCpu(two.data());
  input_->Reshape(kSmall);
  predictor_->Run();
  EXPECT_EQ(Scores(), expected_);
  input_->Reshape({3, 3, 64, 64});
  EXPECT_THAT(ThrownBy([&] { predictor_->Run(); }), HasSubstr("set its data again"));
  input_->Reshape({-1, 3, 64, 64});
  EXPECT_THAT(ThrownBy([&] { predictor_->Run(); }), HasSubstr("extent of -1"));
}

TEST_F(ApiTensor, CopyFromCpu_CopyToCpu) {
  input_->Reshape(kSmall);
  std::vector<float> pixels = pixels_;
  input_->CopyFromCpu(pixels.data());
  pixels.assign(pixels.size(), 0);  // it is a copy
  predictor_->Run();
  EXPECT_EQ(output_->shape(), (std::vector<int>{1, 1000}));
  EXPECT_EQ(Scores(), expected_);
  std::vector<int> wrong(1000);
  EXPECT_THAT(ThrownBy([&] { output_->CopyToCpu(wrong.data()); }),
              HasSubstr("is float32, asked for as int32"));
  EXPECT_THAT(ThrownBy([&] { output_->CopyFromCpu(pixels.data()); }), StartsWith("(Permission"));
}

TEST_F(ApiTensor, CopyFromCpu_SetsTheType) {
  input_->Reshape({4});
  const std::vector<int64_t> longs = {1, 2, 3, 4};
  input_->CopyFromCpu(longs.data());
  EXPECT_EQ(input_->type(), paddle_infer::DataType::INT64);
  const std::vector<uint8_t> bytes(4);
  input_->CopyFromCpu(bytes.data());
  EXPECT_EQ(input_->type(), paddle_infer::DataType::UINT8);
  const bool flags[4] = {};
  input_->CopyFromCpu(flags);
  EXPECT_EQ(input_->type(), paddle_infer::DataType::BOOL);
  const std::vector<paddle_infer::float16> halves(4);
  input_->CopyFromCpu(halves.data());
  EXPECT_EQ(input_->type(), paddle_infer::DataType::FLOAT16);
}

TEST_F(ApiTensor, CopyToCpuAsync) {
  input_->Reshape(kSmall);
  input_->CopyFromCpu(pixels_.data());
  predictor_->Run();
  std::vector<float> scores(1000);
  output_->CopyToCpuAsync(scores.data(), nullptr);
  EXPECT_EQ(scores, expected_);
  bool called = false;
  output_->CopyToCpuAsync(
      scores.data(), [](void* flag) { *static_cast<bool*>(flag) = true; }, &called);
  EXPECT_TRUE(called);
}

TEST_F(ApiTensor, MutableData) {
  EXPECT_THAT(ThrownBy([&] { input_->mutable_data<float>(PlaceType::kCPU); }),
              HasSubstr("You should call Tensor::Reshape"));
  input_->Reshape(kSmall);
  EXPECT_THAT(ThrownBy([&] { input_->mutable_data<float>(PlaceType::kGPU); }),
              StartsWith("(Unavailable)"));
  float* to = input_->mutable_data<float>(PlaceType::kCPU);
  std::memcpy(to, pixels_.data(), pixels_.size() * sizeof(float));
  predictor_->Run();
  EXPECT_EQ(Scores(), expected_);
}

TEST_F(ApiTensor, Data) {
  input_->Reshape(kSmall);
  input_->CopyFromCpu(pixels_.data());
  predictor_->Run();
  PlaceType place = PlaceType::kUNK;
  int size = 0;
  const float* scores = output_->data<float>(&place, &size);
  EXPECT_EQ(place, PlaceType::kCPU);
  ASSERT_EQ(size, 1000);
  EXPECT_EQ(std::vector<float>(scores, scores + size), expected_);
  EXPECT_EQ(input_->data<float>(&place, &size)[1], pixels_[1]);
  EXPECT_EQ(size, 3 * 64 * 64);
}

TEST_F(ApiTensor, ShareExternalData) {
  input_->ShareExternalData(pixels_.data(), kSmall, PlaceType::kCPU);
  predictor_->Run();
  EXPECT_EQ(Scores(), expected_);
  // No copy was made: the next run sees other pixels.
  std::reverse(pixels_.begin(), pixels_.end());
  predictor_->Run();
  EXPECT_NE(Scores(), expected_);
  // Nor is the caller's memory written to by a copy that follows.
  const std::vector<float> before = pixels_;
  input_->CopyFromCpu(Pixels(kSmall, 3).data());
  EXPECT_EQ(pixels_, before);
}

TEST_F(ApiTensor, ShareExternalData_OfAnOutputIsFilledByRun) {
  std::vector<float> scores(1000, -1);
  output_->ShareExternalData(scores.data(), {1, 1000}, PlaceType::kCPU);
  input_->Reshape(kSmall);
  input_->CopyFromCpu(pixels_.data());
  predictor_->Run();
  EXPECT_EQ(scores, expected_);
  PlaceType place = PlaceType::kUNK;
  int size = 0;
  EXPECT_EQ(output_->data<float>(&place, &size), scores.data());
  input_->Reshape({2, 3, 64, 64});
  input_->CopyFromCpu(Pixels({2, 3, 64, 64}).data());
  EXPECT_THAT(ThrownBy([&] { predictor_->Run(); }), HasSubstr("the memory shared for it 4000"));
}

TEST_F(ApiTensor, SetLoD) {
  input_->SetLoD({{0, 1, 3}});
  EXPECT_EQ(input_->lod(), (std::vector<std::vector<size_t>>{{0, 1, 3}}));
  EXPECT_TRUE(output_->lod().empty());
}

TEST_F(ApiTensor, Shape_Type_Name_Place) {
  EXPECT_EQ(input_->name(), "x");
  EXPECT_EQ(output_->name(), predictor_->GetOutputNames()[0]);
  EXPECT_EQ(input_->place(), PlaceType::kCPU);
  input_->SetPlace(PlaceType::kCPU);
  EXPECT_THAT(ThrownBy([&] { input_->SetPlace(PlaceType::kGPU, 0); }), StartsWith("(Unavailable)"));
}

TEST_F(ApiTensor, ReshapeStrings_CopyStringsFromCpu) {
  const std::vector<std::string> strings = {"a"};
  for (const std::string& message : {ThrownBy([&] { input_->ReshapeStrings(1); }),
                                     ThrownBy([&] { input_->CopyStringsFromCpu(&strings); })}) {
    EXPECT_THAT(message, StartsWith("(InvalidArgument) The Variable type must be"));
    EXPECT_THAT(message, HasSubstr("holds is DenseTensor"));
  }
  EXPECT_THAT(ThrownBy([&] { output_->ReshapeStrings(1); }),
              StartsWith("(PermissionDenied) Can't reshape the output tensor"));
}

TEST_F(ApiTensor, HandlesOutliveThePredictor) {
  input_->Reshape(kSmall);
  input_->CopyFromCpu(pixels_.data());
  predictor_->Run();
  predictor_.reset();
  EXPECT_EQ(Scores(), expected_);
}

TEST(ApiEnums, HaveThePublishedValues) {
  EXPECT_EQ(paddle_infer::FLOAT32, 0);
  EXPECT_EQ(paddle_infer::DataType::INT8, 4);
  EXPECT_EQ(paddle_infer::BFLOAT16, 8);
  EXPECT_EQ(static_cast<int>(PlaceType::kUNK), -1);
  EXPECT_EQ(static_cast<int>(PlaceType::kXPU), 2);
  EXPECT_EQ(static_cast<int>(paddle_infer::PrecisionType::kBf16), 3);
  EXPECT_EQ(static_cast<int>(paddle_infer::PrecisionType::kInt8), 1);
}

paddle::PaddleTensor PictureTensor(const std::vector<float>& pixels) {
  paddle::PaddleTensor tensor;
  tensor.shape = kSmall;
  tensor.data.Resize(pixels.size() * sizeof(float));
  std::memcpy(tensor.data.data(), pixels.data(), tensor.data.length());
  return tensor;
}

std::vector<float> ScoresOf(const paddle::PaddleTensor& tensor) {
  const auto* scores = static_cast<const float*>(tensor.data.data());
  return {scores, scores + tensor.data.length() / sizeof(float)};
}

TEST(ApiLegacy, CreatePaddlePredictor_Run) {
  const std::vector<float> expected =
      RunOn(*paddle_infer::CreatePredictor(ConfigOf("mobilenet_v2_int8")), kSmall);
  const paddle::AnalysisConfig config = ConfigOf("mobilenet_v2_int8");
  auto predictor = paddle::CreatePaddlePredictor<paddle::AnalysisConfig>(config);
  EXPECT_THAT(ThrownBy([&] { paddle::CreatePaddlePredictor(config); }), HasSubstr("one predictor"));
  std::vector<paddle::PaddleTensor> outputs;
  ASSERT_TRUE(predictor->Run({PictureTensor(Pixels(kSmall))}, &outputs, 1));
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_EQ(outputs[0].dtype, paddle::PaddleDType::FLOAT32);
  EXPECT_EQ(outputs[0].name, predictor->GetOutputNames()[0]);
  EXPECT_EQ(ScoresOf(outputs[0]), expected);
  EXPECT_EQ(predictor->GetInputTensorShape().at("x")[1], 3);
  EXPECT_EQ(predictor->GetInputTypes().at("x"), paddle::PaddleDType::FLOAT32);
  paddle::PaddleTensor cut = PictureTensor(Pixels(kSmall));
  cut.data.Resize(8);
  EXPECT_THAT(ThrownBy([&] { predictor->Run({cut}, &outputs); }), StartsWith("(InvalidArgument)"));
  EXPECT_THAT(ThrownBy([&] { predictor->Run({}, &outputs); }), HasSubstr("need 1 but get 0."));
  ASSERT_TRUE(predictor->Clone()->Run({PictureTensor(Pixels(kSmall))}, &outputs));
  EXPECT_EQ(ScoresOf(outputs[0]), expected);
}

TEST(ApiLegacy, ZeroCopyTensor_ZeroCopyRun) {
  auto predictor = paddle::CreatePaddlePredictor(ConfigOf("mobilenet_v2_int8"));
  const auto input = predictor->GetInputTensor("x");
  input->Reshape(kSmall);
  input->copy_from_cpu(Pixels(kSmall).data());
  ASSERT_TRUE(predictor->ZeroCopyRun());
  std::vector<float> scores(1000);
  predictor->GetOutputTensor(predictor->GetOutputNames()[0])->copy_to_cpu(scores.data());
  EXPECT_EQ(scores, RunOn(*paddle_infer::CreatePredictor(ConfigOf("mobilenet_v2_int8")), kSmall));
  EXPECT_GT(predictor->TryShrinkMemory(), 0U);
  predictor->ClearIntermediateTensor();
}

TEST(ApiLegacy, NativeConfig) {
  paddle::NativeConfig config;
  config.model_dir = ModelDir("mobilenet_v2");
  auto predictor =
      paddle::CreatePaddlePredictor<paddle::NativeConfig, paddle::PaddleEngineKind::kNative>(
          config);
  std::vector<paddle::PaddleTensor> outputs;
  ASSERT_TRUE(predictor->Run({PictureTensor(Pixels(kSmall))}, &outputs));
  EXPECT_EQ(ScoresOf(outputs[0]).size(), 1000U);
}

TEST(ApiLegacy, PaddleBuf) {
  paddle::PaddleBuf own(4);
  std::memcpy(own.data(), "abcd", 4);
  paddle::PaddleBuf copy = own;
  EXPECT_NE(copy.data(), own.data());
  EXPECT_EQ(0, std::memcmp(copy.data(), "abcd", 4));
  char memory[2] = {'x', 'y'};
  paddle::PaddleBuf shared(memory, 2);
  EXPECT_EQ(shared.data(), memory);
  EXPECT_THAT(ThrownBy([&] { shared.Resize(3); }), StartsWith("(PreconditionNotMet)"));
  paddle::PaddleBuf moved(std::move(copy));
  EXPECT_EQ(moved.length(), 4U);
  moved = shared;
  EXPECT_EQ(0, std::memcmp(moved.data(), "xy", 2));
  moved.Reset(memory, 2);
  EXPECT_EQ(moved.data(), memory);
  EXPECT_TRUE(paddle::PaddleBuf().empty());
  EXPECT_EQ(paddle::PaddleDtypeSize(paddle::PaddleDType::FLOAT64), 8);
}

}  // namespace
}  // namespace skiff::api_tests
