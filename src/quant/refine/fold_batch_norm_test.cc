#include "quant/refine/fold_batch_norm.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "formats/model_files.h"
#include "formats/test_models.h"
#include "quant/tracer.h"

namespace skiff::quant {
namespace {

class Noise final : public CalibrationData {
 public:
  Noise() : values_(3 * 64 * 64) {
    for (size_t i = 0; i < values_.size(); ++i)
      values_[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
  }
  [[nodiscard]] int64_t batches() const override { return 1; }
  Result<std::vector<TensorView>> Batch(int64_t) override {
    return std::vector<TensorView>{
        {DType::kFloat32, {1, 3, 64, 64}, values_.data(), values_.size() * sizeof(float)}};
  }

 private:
  std::vector<float> values_;
};

std::vector<float> Answer(const program::Program& program) {
  auto tracer = Tracer::Make(program, {});
  EXPECT_TRUE(tracer.ok());
  Noise noise;
  EXPECT_TRUE((*tracer)->Run(noise, 0).ok());
  runtime::Context& context = (*tracer)->context();
  const steps::Tensor y = context.value(context.model().outputs[0]);
  return {y.As<float>(), y.As<float>() + y.dims.Numel()};
}

TEST(FoldBatchNormTest, MobileNetV2ComputesTheSame) {
  ModelSource source;
  source.model_dir = std::string(SKIFF_SOURCE_DIR) + "/models/mobilenet_v2";
  auto program = formats::LoadModel(source);
  ASSERT_TRUE(program.ok());
  const std::vector<float> before = Answer(*program);
  EXPECT_EQ(FoldBatchNorms(&*program), 52);
  const auto& ops = program->blocks[0].ops;
  EXPECT_TRUE(std::none_of(ops.begin(), ops.end(),
                           [](const program::OpDesc& op) { return op.type == "batch_norm"; }));
  EXPECT_EQ(program->params.size(), 262U - 3 * 52);
  const std::vector<float> after = Answer(*program);
  ASSERT_EQ(after.size(), before.size());
  const float largest = *std::max_element(before.begin(), before.end());
  for (size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i], before[i], 1e-4 * largest);
  // What is written is a model again.
  const formats::TemporaryFolder folder;
  ASSERT_TRUE(
      formats::SaveModel(*program, folder.path(), "model", program::ParamsLayout::kCombined).ok());
  source.model_dir = folder.path();
  EXPECT_TRUE(formats::LoadModel(source).ok());
}

}  // namespace
}  // namespace skiff::quant
