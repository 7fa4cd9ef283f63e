// A model that `skiff convert` made runs in integers under EnableMKLDNN alone, as one of
// save_quant_model.py does in Paddle.
#include <gtest/gtest.h>

#include "api_models.h"
#include "skiff/convert.h"

namespace skiff::api_tests {
namespace {

TEST(ConvertedModelTest, RunsInIntegersWithoutBeingTold) {
  const std::string out = testing::TempDir() + "skiff_converted_model";
  ModelSource source;
  source.model_dir = ModelDir("mobilenet_v2_int8");
  const Result<ConvertReport> report = Convert(source, {}, out);
  ASSERT_TRUE(report.ok()) << report.status().ToString();

  const std::vector<int> shape = {1, 3, 224, 224};
  const auto told = paddle_infer::CreatePredictor(ConfigOf("mobilenet_v2_int8"));
  paddle_infer::Config literally(ProgFile("mobilenet_v2_int8"), ParamsFile("mobilenet_v2_int8"));
  literally.DisableGlogInfo();
  paddle_infer::Config converted(out);
  converted.DisableGlogInfo();
  converted.EnableMKLDNN();
  const std::vector<float> want = RunOn(*told, shape);
  EXPECT_EQ(RunOn(*paddle_infer::CreatePredictor(converted), shape), want);
  EXPECT_NE(RunOn(*paddle_infer::CreatePredictor(literally), shape), want);
  std::filesystem::remove_all(out);
}

}  // namespace
}  // namespace skiff::api_tests
