// Section "Config", rows of passes and of the CPU: one test a row of docs/api.md.
#include "tests/api/api_models.h"

namespace skiff::api_tests {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Largest difference as a share of the largest number.
float Difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  float difference = 0;
  float largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference = std::max(difference, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return difference / largest;
}

std::vector<float> Answer(const paddle_infer::Config& config) {
  return RunOn(*paddle_infer::CreatePredictor(config), kSmall);
}

paddle_infer::Config Plain(const std::string& name) {
  paddle_infer::Config config(ModelDir(name));
  config.DisableGlogInfo();
  return config;
}

TEST(ApiConfig, SwitchIrOptim) {
  paddle_infer::Config config = Plain("mobilenet_v2");
  EXPECT_TRUE(config.ir_optim());
  const paddle_infer::Config optimised = config;
  config.SwitchIrOptim(false);
  EXPECT_FALSE(config.ir_optim());
  EXPECT_LT(Difference(Answer(config), Answer(optimised)), 1e-4);
}

TEST(ApiConfig, SwitchIrDebug) {
  paddle_infer::Config config;
  config.SwitchIrDebug();
  EXPECT_TRUE(config.ir_debug());
  EXPECT_EQ(config.pass_builder()->AllPasses()[1], "graph_viz_pass");
  config.SwitchIrDebug(1, {"fc_fuse_pass"});
  EXPECT_EQ(config.pass_builder()->AllPasses(), std::vector<std::string>{"fc_fuse_pass"});
}

TEST(ApiConfig, SetOptimizationLevel_EnableNewIR_EnableNewExecutor_EnableCustomPasses) {
  paddle_infer::Config config = Plain("mobilenet_v2_int8");
  EXPECT_EQ(config.optimization_level(), 2);
  config.SetOptimizationLevel(1);
  config.EnableNewIR(true);
  config.EnableNewExecutor(true);
  config.EnableCustomPasses({"mine"}, true);
  EXPECT_EQ(config.optimization_level(), 1);
  EXPECT_TRUE(config.new_ir_enabled());
  EXPECT_TRUE(config.new_executor_enabled());
  EXPECT_EQ(Answer(config), Answer(Plain("mobilenet_v2_int8")));
}

TEST(ApiConfig, EnableMemoryOptim) {
  paddle_infer::Config config = Plain("mobilenet_v2_int8");
  EXPECT_FALSE(config.enable_memory_optim());
  config.EnableMemoryOptim();
  EXPECT_TRUE(config.enable_memory_optim());
  EXPECT_THAT(config.pass_builder()->AnalysisPasses(), Contains("memory_optimize_pass"));
  EXPECT_EQ(config.pass_builder()->AnalysisPasses().back(), "ir_graph_to_program_pass");
  EXPECT_EQ(Answer(config), Answer(Plain("mobilenet_v2_int8")));
  config.EnableMemoryOptim(false);
  EXPECT_THAT(config.pass_builder()->AnalysisPasses(), Not(Contains("memory_optimize_pass")));
}

TEST(ApiConfig, EnableProfile) {
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  EXPECT_FALSE(config.profile_enabled());
  config.EnableProfile();
  EXPECT_TRUE(config.profile_enabled());
  auto predictor = paddle_infer::CreatePredictor(config);
  RunOn(*predictor, kSmall);
  ::testing::internal::CaptureStdout();
  predictor.reset();
  const std::string report = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(report, HasSubstr("Profiling Report"));
  EXPECT_THAT(report, HasSubstr("conv2d"));
}

TEST(ApiConfig, DisableGlogInfo) {
  paddle_infer::Config loud(ModelDir("mobilenet_v2_int8"));
  EXPECT_FALSE(loud.glog_info_disabled());
  EXPECT_THAT(LogOf([&] { paddle_infer::CreatePredictor(loud); }), HasSubstr("INFO"));
  const paddle_infer::Config quiet = Plain("mobilenet_v2_int8");
  EXPECT_TRUE(quiet.glog_info_disabled());
  EXPECT_EQ(LogOf([&] { paddle_infer::CreatePredictor(quiet); }), "");
}

TEST(ApiConfig, EnableMKLDNN) {
  paddle_infer::Config config = Plain("mobilenet_v2");
  EXPECT_TRUE(config.mkldnn_enabled());
  EXPECT_EQ(config.pass_builder()->AllPasses().size(), 53U);
  EXPECT_EQ(config.pass_builder()->AllPasses()[0], "mkldnn_placement_pass");
  const paddle_infer::Config with = config;
  config.DisableMKLDNN();
  EXPECT_FALSE(config.onednn_enabled());
  EXPECT_EQ(config.pass_builder()->AllPasses().size(), 26U);
  EXPECT_LT(Difference(Answer(config), Answer(with)), 1e-4);
  config.EnableONEDNN();
  EXPECT_TRUE(config.mkldnn_enabled());
  EXPECT_EQ(config.pass_builder()->AllPasses().size(), 53U);
}

TEST(ApiConfig, SetMkldnnCacheCapacity) {
  paddle_infer::Config config;
  EXPECT_EQ(config.mkldnn_cache_capacity(), 10);
  config.SetMkldnnCacheCapacity(3);
  EXPECT_EQ(config.mkldnn_cache_capacity(), 3);
  config.SetOnednnCacheCapacity(0);
  EXPECT_EQ(config.mkldnn_cache_capacity(), 0);
}

TEST(ApiConfig, SetMKLDNNOp) {
  paddle_infer::Config config = Plain("mobilenet_v2");
  config.SetMKLDNNOp({"conv2d"});
  config.SetONEDNNOp({"conv2d", "fc"});
  EXPECT_EQ(Answer(config), Answer(Plain("mobilenet_v2")));
}

// Quantised layers in integers; without it the quantised graph runs literally, in float.
TEST(ApiConfig, EnableMkldnnInt8) {
  paddle_infer::Config config = Plain("mobilenet_v2_int8");
  EXPECT_FALSE(config.mkldnn_int8_enabled());
  EXPECT_TRUE(config.use_fc_padding());
  const paddle_infer::Config literal = config;
  config.EnableMkldnnInt8();
  EXPECT_TRUE(config.onednn_int8_enabled());
  EXPECT_FALSE(config.use_fc_padding());
  EXPECT_EQ(config.pass_builder()->AllPasses().size(), 54U);
  const std::vector<float> integers = Answer(config);
  const std::vector<float> floats = Answer(literal);
  EXPECT_NE(integers, floats);
  EXPECT_LT(Difference(integers, floats), 0.5);
}

// A type that is not in the list runs in float.
TEST(ApiConfig, EnableMkldnnInt8_RestrictedToSomeTypes) {
  const auto answer = [](const std::unordered_set<std::string>& ops) {
    paddle_infer::Config config = Plain("mobilenet_v2_int8");
    config.EnableMkldnnInt8(ops);
    return Answer(config);
  };
  const std::vector<float> all = answer({});
  EXPECT_EQ(answer({"conv2d", "fc", "pool2d"}), all);
  EXPECT_NE(answer({"conv2d"}), all);
  EXPECT_NE(answer({"fc"}), all);
  // Rounded on the same grids, in another order of operations: some roundings flip.
  EXPECT_LT(Difference(answer({"fc"}), all), 0.5);
}

TEST(ApiConfig, EnableMkldnnInt8_WantsMkldnnAndIrOptim) {
  const std::vector<float> literal = Answer(Plain("mobilenet_v2_int8"));
  paddle_infer::Config no_mkldnn = Plain("mobilenet_v2_int8");
  no_mkldnn.DisableMKLDNN();
  EXPECT_THAT(LogOf([&] { no_mkldnn.EnableOnednnInt8(); }),
              HasSubstr("EnableMkldnnInt8() only works when MKLDNN is enabled."));
  EXPECT_EQ(no_mkldnn.pass_builder()->AllPasses().size(), 26U);
  EXPECT_EQ(Answer(no_mkldnn), literal);
  paddle_infer::Config no_passes = Plain("mobilenet_v2_int8");
  no_passes.SwitchIrOptim(false);
  EXPECT_THAT(LogOf([&] { no_passes.EnableMkldnnInt8(); }),
              HasSubstr("EnableMkldnnInt8() only works when IR optimization is enabled."));
}

TEST(ApiConfig, EnableMkldnnInt8_RebuildsThePassList) {
  paddle_infer::Config config;
  config.DeletePass("is_test_pass");
  EXPECT_THAT(config.pass_builder()->AllPasses(), Not(Contains("is_test_pass")));
  config.EnableMkldnnInt8();
  EXPECT_THAT(config.pass_builder()->AllPasses(), Contains("is_test_pass"));
}

TEST(ApiConfig, EnableMkldnnQuantizer) {
  paddle_infer::Config config = Plain("mobilenet_v2");
  EXPECT_FALSE(config.mkldnn_quantizer_enabled());
  EXPECT_THAT(ThrownBy([&] { config.mkldnn_quantizer_config(); }),
              StartsWith("(PreconditionNotMet)"));
  config.EnableMkldnnQuantizer();
  EXPECT_TRUE(config.mkldnn_quantizer_enabled());
  const auto quantizer = config.mkldnn_quantizer_config();
  EXPECT_EQ(quantizer->default_scale_algo(), paddle::ScaleAlgo::MAX);
  quantizer->SetScaleAlgo("conv2d", "Filter", paddle::ScaleAlgo::MAX_CH);
  EXPECT_EQ(quantizer->scale_algo("conv2d", "Filter"), paddle::ScaleAlgo::MAX_CH);
  EXPECT_EQ(quantizer->scale_algo("conv2d", "Input"), paddle::ScaleAlgo::MAX);
  quantizer->SetWarmupBatchSize(4);
  quantizer->SetWarmupData(std::make_shared<std::vector<paddle::PaddleTensor>>(1));
  quantizer->SetEnabledOpTypes({"conv2d", "fc"});
  quantizer->SetExcludedOpIds({1, 2});
  EXPECT_EQ(quantizer->warmup_batch_size(), 4);
  EXPECT_EQ(quantizer->warmup_data()->size(), 1U);
  EXPECT_EQ(quantizer->enabled_op_types().count("conv2d"), 1U);
  EXPECT_EQ(quantizer->excluded_op_ids().size(), 2U);
  EXPECT_THAT(ThrownBy([&] { paddle_infer::CreatePredictor(paddle_infer::Config(config)); }),
              StartsWith("(InvalidArgument) EnableMkldnnQuantizer"));  // an empty tensor
  paddle::PaddleTensor pictures;
  const std::vector<float> pixels = Pixels(kSmall);
  pictures.shape = kSmall;
  pictures.data.Reset(const_cast<float*>(pixels.data()), pixels.size() * sizeof(float));
  quantizer->SetWarmupData(
      std::make_shared<std::vector<paddle::PaddleTensor>>(1, std::move(pictures)));
  const std::vector<float> excluding = Answer(paddle_infer::Config(config));
  quantizer->SetExcludedOpIds({});
  const std::vector<float> quantised = Answer(paddle_infer::Config(config));
  const std::vector<float> floats = Answer(Plain("mobilenet_v2"));
  EXPECT_NE(quantised, floats);
  EXPECT_NE(excluding, quantised) << "operator 1 is the first convolution";
  quantizer->SetExcludedOpIds({100000});
  EXPECT_THAT(ThrownBy([&] { Answer(config); }), StartsWith("(InvalidArgument) SetExcludedOpIds"));
  EXPECT_LT(Difference(quantised, floats), 0.5);
}

TEST(ApiConfig, EnableMkldnnBfloat16_SetBfloat16Op) {
  paddle_infer::Config loud;
  EXPECT_FALSE(loud.mkldnn_bfloat16_enabled());
  const size_t passes = loud.pass_builder()->AllPasses().size();
  const std::string log = LogOf([&] { loud.EnableMkldnnBfloat16(); });
  const bool native = loud.mkldnn_bfloat16_enabled();  // what this CPU can do
  EXPECT_THAT(log, HasSubstr(native ? "Hardware support for BFLOAT16 is enabled"
                                    : "CPU does not support BFLOAT16 calculations"));
  EXPECT_EQ(loud.pass_builder()->AllPasses().size(), passes + (native ? 5 : 0));
  EXPECT_EQ(paddle_infer::Config(loud).onednn_bfloat16_enabled(), native);
  const std::vector<float> floats = Answer(Plain("mobilenet_v2"));
  const auto answer = [](const std::unordered_set<std::string>& ops) {
    paddle_infer::Config config = Plain("mobilenet_v2");
    config.EnableMkldnnBfloat16();
    config.SetBfloat16Op(ops);
    return Answer(config);
  };
  EXPECT_EQ(answer({"softmax"}), floats) << "no layer that could";
  EXPECT_EQ(answer({"conv2d"}) == floats, !native);
  EXPECT_LT(Difference(answer({}), floats), 0.2);
}

// Layers that are not quantised run in bfloat16, the others in integers.
TEST(ApiConfig, EnableMkldnnBfloat16_WithInt8) {
  const auto answer = [](bool bfloat16) {
    paddle_infer::Config config = Plain("mobilenet_v2_int8");
    config.EnableMkldnnInt8({"conv2d"});
    if (bfloat16) config.EnableMkldnnBfloat16();
    EXPECT_TRUE(config.mkldnn_int8_enabled());
    return Answer(config);
  };
  EXPECT_LT(Difference(answer(true), answer(false)), 0.05);
}

TEST(ApiConfig, DisableMkldnnFcPasses) {
  paddle_infer::Config config;
  config.DisableMkldnnFcPasses();
  EXPECT_EQ(config.pass_builder()->AllPasses().size(), 51U);
  EXPECT_THAT(config.pass_builder()->AllPasses(), Not(Contains("fc_mkldnn_pass")));
  config.EnableMkldnnInt8();
  EXPECT_THAT(config.pass_builder()->AllPasses(), Not(Contains("fc_mkldnn_pass")));
}

TEST(ApiConfig, SetCpuMathLibraryNumThreads) {
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  EXPECT_EQ(config.cpu_math_library_num_threads(), 1);
  const paddle_infer::Config one = config;
  config.SetCpuMathLibraryNumThreads(2);
  EXPECT_EQ(config.cpu_math_library_num_threads(), 2);
  EXPECT_EQ(Answer(config), Answer(one));
}

TEST(ApiConfig, DisableFCPadding) {
  paddle_infer::Config config;
  EXPECT_TRUE(config.use_fc_padding());
  config.DisableFCPadding();
  EXPECT_FALSE(config.use_fc_padding());
}

TEST(ApiConfig, SwitchUseFeedFetchOps_SwitchSpecifyInputNames) {
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  config.SwitchUseFeedFetchOps(false);
  config.SwitchSpecifyInputNames(true);
  EXPECT_FALSE(config.use_feed_fetch_ops_enabled());
  EXPECT_TRUE(config.specify_input_name());
  EXPECT_EQ(Answer(config), Answer(ConfigOf("mobilenet_v2_int8")));
}

TEST(ApiConfig, PassBuilder) {
  paddle_infer::Config config;
  paddle::PassStrategy* builder = config.pass_builder();
  builder->AppendPass("last_pass");
  builder->InsertPass(0, "first_pass");
  EXPECT_EQ(builder->AllPasses().front(), "first_pass");
  EXPECT_EQ(builder->AllPasses().back(), "last_pass");
  EXPECT_EQ(builder->GetPassIndex("first_pass"), 0U);
  EXPECT_EQ(builder->GetPassIndex("no_such_pass"), static_cast<size_t>(-1));
  EXPECT_THAT(builder->DebugString(), StartsWith("Passes to apply:\n  - first_pass\n"));
  builder->DeletePass(0);
  EXPECT_NE(builder->AllPasses().front(), "first_pass");
  builder->DeletePass("last_pass");
  builder->DeletePass("no_such_pass");
  EXPECT_EQ(builder->AllPasses().size(), 53U);
  config.DeletePass("conv_bn_fuse_pass");  // listed twice
  EXPECT_EQ(builder->AllPasses().size(), 51U);
  EXPECT_THAT(ThrownBy([&] { builder->InsertPass(99, "far_pass"); }),
              StartsWith("(InvalidArgument)"));
  EXPECT_THAT(ThrownBy([&] { builder->DeletePass(99); }), StartsWith("(InvalidArgument)"));
  builder->SetPasses({"a_pass", "b_pass"});
  builder->TurnOnDebug();
  EXPECT_EQ(builder->AllPasses(),
            (std::vector<std::string>{"a_pass", "graph_viz_pass", "b_pass", "graph_viz_pass"}));
  builder->ClearPasses();
  EXPECT_TRUE(builder->AllPasses().empty());
  const size_t before = builder->AnalysisPasses().size();
  builder->AppendAnalysisPass("my_analysis_pass");
  EXPECT_EQ(builder->AnalysisPasses().size(), before + 1);
}

TEST(ApiConfig, Summary) {
  paddle_infer::Config config("a.pdmodel", "b.pdiparams");
  const std::string summary = config.Summary();
  for (const char* word :
       {"model_file", "a.pdmodel", "params_file", "cpu_math_thread", "enable_mkldnn",
        "mkldnn_cache_capacity", "use_gpu", "use_xpu", "use_cinn_compiler", "save_optimized_model",
        "ir_optim", "ir_debug", "use_optimized_model", "memory_optim", "enable_profile",
        "enable_log", "collect_shape_range_info"}) {
    EXPECT_THAT(summary, HasSubstr(word));
  }
  // A table: every line as wide as the first.
  const size_t width = summary.find('\n');
  for (size_t at = 0; at < summary.size(); at += width + 1) {
    EXPECT_EQ(summary.find('\n', at), at + width);
  }
}

TEST(ApiConfig, ToNativeConfig) {
  paddle_infer::Config config("a", "b");
  config.SetCpuMathLibraryNumThreads(3);
  const paddle::NativeConfig native = config.ToNativeConfig();
  EXPECT_EQ(native.prog_file, "a");
  EXPECT_EQ(native.param_file, "b");
  EXPECT_FALSE(native.use_gpu);
  EXPECT_EQ(native.cpu_math_library_num_threads(), 3);
}

TEST(ApiConfig, CollectShapeRangeInfo) {
  paddle_infer::Config config;
  EXPECT_FALSE(config.shape_range_info_collected());
  EXPECT_THAT(ThrownBy([&] { config.CollectShapeRangeInfo(""); }), StartsWith("(InvalidArgument)"));
  config.CollectShapeRangeInfo("shapes.txt");
  EXPECT_TRUE(config.shape_range_info_collected());
  EXPECT_EQ(config.shape_range_info_path(), "shapes.txt");
}

}  // namespace
}  // namespace skiff::api_tests
