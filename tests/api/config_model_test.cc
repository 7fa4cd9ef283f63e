// Section "Config", rows of the model: one test a row of docs/api.md.
#include "tests/api/api_models.h"

namespace skiff::api_tests {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<float> Answer(const paddle_infer::Config& config) {
  return RunOn(*paddle_infer::CreatePredictor(config), kSmall);
}

std::vector<float> Expected() { return Answer(ConfigOf("mobilenet_v2_int8")); }

TEST(ApiConfig, Constructors) {
  paddle_infer::Config by_dir(ModelDir("mobilenet_v2_int8"));
  by_dir.DisableGlogInfo();
  by_dir.EnableMkldnnInt8();
  EXPECT_EQ(by_dir.model_dir(), ModelDir("mobilenet_v2_int8"));
  const paddle_infer::Config copy(by_dir);
  EXPECT_EQ(Answer(by_dir), Expected());
  EXPECT_EQ(Answer(copy), Expected());
  paddle_infer::Config empty;
  empty = copy;
  EXPECT_EQ(Answer(empty), Expected());
}

TEST(ApiConfig, SetModel_SetProgFile_SetParamsFile) {
  paddle_infer::Config config;
  config.SetModel("dir");
  EXPECT_EQ(config.model_dir(), "dir");
  config.SetModel("a.pdmodel", "a.pdiparams");
  EXPECT_EQ(config.prog_file(), "a.pdmodel");
  EXPECT_EQ(config.params_file(), "a.pdiparams");
  config.SetProgFile(ProgFile("mobilenet_v2_int8"));
  config.SetParamsFile(ParamsFile("mobilenet_v2_int8"));
  config.DisableGlogInfo();
  config.EnableMkldnnInt8();
  EXPECT_EQ(Answer(config), Expected());
}

// Programs pass on both flags of their command line, given or not.
TEST(ApiConfig, SetModel_DirThenEmptyFilesStillLoads) {
  paddle_infer::Config config;
  config.SetModel(ModelDir("mobilenet_v2_int8"));
  config.SetModel("", "");
  config.DisableGlogInfo();
  config.EnableMkldnnInt8();
  EXPECT_EQ(Answer(config), Expected());
}

TEST(ApiConfig, SetModelBuffer) {
  paddle_infer::Config config;
  {
    const std::string program = ReadFile(ProgFile("mobilenet_v2_int8"));
    const std::string params = ReadFile(ParamsFile("mobilenet_v2_int8"));
    EXPECT_FALSE(config.model_from_memory());
    config.SetModelBuffer(program.data(), program.size(), params.data(), params.size());
  }
  EXPECT_TRUE(config.model_from_memory());
  config.DisableGlogInfo();
  config.EnableMkldnnInt8();
  EXPECT_EQ(Answer(config), Expected());
}

TEST(ApiConfig, SetOptimCacheDir_EnableSaveOptimModel_UseOptimizedModel) {
  const auto dir = FreshDir("optim_cache");
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  config.SetOptimCacheDir(dir.string());
  config.EnableSaveOptimModel(true);
  EXPECT_TRUE(config.save_optim_model());
  EXPECT_EQ(Answer(config), Expected());
  ASSERT_TRUE(std::filesystem::exists(dir / "_optimized.pdmodel"));
  ASSERT_TRUE(std::filesystem::exists(dir / "_optimized.pdiparams"));

  // The files named in the Config are not looked at any more.
  paddle_infer::Config cached("gone.pdmodel", "gone.pdiparams");
  cached.DisableGlogInfo();
  cached.EnableMkldnnInt8();
  cached.SetOptimCacheDir(dir.string());
  cached.UseOptimizedModel();
  EXPECT_TRUE(cached.use_optimized_model());
  EXPECT_EQ(Answer(cached), Expected());
}

TEST(ApiConfig, SetOptimCacheDir_AloneWritesNothing) {
  const auto dir = FreshDir("optim_cache_alone");
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  config.SetOptimCacheDir(dir.string());
  Answer(config);
  EXPECT_TRUE(std::filesystem::is_empty(dir));
}

TEST(ApiConfig, MissingFile) {
  const paddle_infer::Config files("/nowhere/m.pdmodel", "/nowhere/m.pdiparams");
  EXPECT_THAT(ThrownBy([&] { paddle_infer::CreatePredictor(files); }),
              StartsWith("(NotFound) Cannot open file /nowhere/m.pdmodel"));
  const paddle_infer::Config dir("/nowhere");
  EXPECT_THAT(ThrownBy([&] { paddle_infer::CreatePredictor(dir); }),
              StartsWith("(NotFound) Cannot open file /nowhere"));
}

TEST(ApiConfig, EmptyConfig) {
  const paddle_infer::Config config;
  std::string thrown;
  const std::string log =
      LogOf([&] { thrown = ThrownBy([&] { paddle_infer::CreatePredictor(config); }); });
  EXPECT_THAT(log, HasSubstr("Either model_dir or (prog_file, param_file) should be set."));
  EXPECT_THAT(thrown, StartsWith("(InvalidArgument) Either model_dir"));
}

TEST(ApiConfig, CorruptModel) {
  paddle_infer::Config config;
  config.SetModelBuffer("\xff\xff\xff", 3, "", 0);
  EXPECT_THAT(ThrownBy([&] { paddle_infer::CreatePredictor(config); }),
              StartsWith("(InvalidArgument)"));
}

// A float model and a table of thresholds: INT8 is asked for, and what the table covers is rounded.
TEST(ApiConfig, SetCalibrationFilePath) {
  paddle_infer::Config missing = ConfigOf("mobilenet_v2");
  missing.SetCalibrationFilePath("/nowhere/table.txt");
  EXPECT_EQ(missing.calibration_file_path(), "/nowhere/table.txt");
  EXPECT_THAT(ThrownBy([&] { paddle_infer::CreatePredictor(missing); }),
              HasSubstr("/nowhere/table.txt"));

  const auto dir = FreshDir("calibration");
  paddle_infer::Config plain = ConfigOf("mobilenet_v2");
  auto predictor = paddle_infer::CreatePredictor(plain);
  const std::string input = predictor->GetInputNames()[0];
  const std::string table = (dir / "table.txt").string();
  std::ofstream(table) << input << " 2.5\n";
  paddle_infer::Config calibrated = ConfigOf("mobilenet_v2");
  calibrated.SetCalibrationFilePath(table);
  const std::vector<float> with = Answer(calibrated);
  const std::vector<float> without = RunOn(*predictor, kSmall);
  EXPECT_EQ(with.size(), without.size());
}

}  // namespace
}  // namespace skiff::api_tests
