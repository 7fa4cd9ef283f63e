// Section "Config", rows of other devices and engines, on a CPU: one test a row of docs/api.md.
#include "tests/api/api_models.h"

namespace skiff::api_tests {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Precision = paddle_infer::PrecisionType;

// Whatever was asked of other devices, the CPU answers as ever.
void ExpectRunsAsEver(const paddle_infer::Config& config) {
  EXPECT_EQ(RunOn(*paddle_infer::CreatePredictor(config), kSmall),
            RunOn(*paddle_infer::CreatePredictor(ConfigOf("mobilenet_v2_int8")), kSmall));
}

TEST(ApiDevices, EnableUseGpu) {
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  EXPECT_THAT(LogOf([&] { config.EnableUseGpu(100, 0); }),
              HasSubstr("Please use PaddlePaddle with GPU version."));
  EXPECT_FALSE(config.use_gpu());
  ExpectRunsAsEver(config);
}

TEST(ApiDevices, DisableGpu) {
  paddle_infer::Config config;
  config.DisableGpu();
  EXPECT_FALSE(config.use_gpu());
  EXPECT_EQ(config.gpu_device_id(), 0);
  EXPECT_EQ(config.memory_pool_init_size_mb(), 100);
  EXPECT_EQ(config.fraction_of_gpu_memory_for_pool(), 0);
}

TEST(ApiDevices, EnableTensorRtEngine) {
  paddle_infer::Config config;
  EXPECT_THAT(ThrownBy([&] { config.EnableTensorRtEngine(1 << 20, 1, 3, Precision::kInt8); }),
              StartsWith("(PreconditionNotMet) To use Paddle-TensorRT, please compile with "
                         "TENSORRT first."));
  EXPECT_FALSE(config.tensorrt_engine_enabled());
}

TEST(ApiDevices, TensorRtSwitchesStoreValuesOnly) {
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  config.SetTRTDynamicShapeInfo({{"x", {1, 3, 1, 1}}}, {{"x", {1, 3, 9, 9}}},
                                {{"x", {1, 3, 5, 5}}});
  EXPECT_TRUE(config.tensorrt_dynamic_shape_enabled());
  config.EnableTunedTensorRtDynamicShape("shapes.txt", true);
  EXPECT_TRUE(config.tuned_tensorrt_dynamic_shape());
  EXPECT_TRUE(config.trt_allow_build_at_runtime());
  EXPECT_EQ(config.shape_range_info_path(), "shapes.txt");
  config.EnableVarseqlen();
  EXPECT_TRUE(config.tensorrt_varseqlen_enabled());
  config.EnableTensorRtDLA(0);
  EXPECT_TRUE(config.tensorrt_dla_enabled());
  config.EnableTensorRtInspector();
  EXPECT_TRUE(config.tensorrt_inspector_enabled());
  config.EnableTensorRtExplicitQuantization();
  EXPECT_TRUE(config.tensorrt_explicit_quantization_enabled());
  config.MarkTrtEngineOutputs({"y"});
  config.SetTensorRtOptimizationLevel(5);
  EXPECT_EQ(config.tensorrt_optimization_level(), 5);
  EXPECT_THAT(ThrownBy([&] { config.SetTensorRtOptimizationLevel(6); }),
              StartsWith("(InvalidArgument)"));
  config.Exp_DisableTensorRtOPs({"concat"});
  config.Exp_DisableTensorRtSubgraph({"y"});
  config.Exp_SpecifyTensorRTSubgraphPrecision({}, {"conv2d"}, {});
  config.Exp_DisableTensorRTDynamicShapeOPs(true);
  EXPECT_FALSE(config.tensorrt_engine_enabled());
  ExpectRunsAsEver(config);
}

TEST(ApiDevices, EnableTensorRTMemoryOptim) {
  paddle_infer::Config config;
  EXPECT_THAT(ThrownBy([&] { config.EnableTensorRTMemoryOptim(); }),
              StartsWith("(InvalidArgument)"));
  EXPECT_FALSE(config.trt_engine_memory_sharing());
}

TEST(ApiDevices, EnableXpu_SetXpuConfig_EnableIpu_EnableCustomDevice) {
  paddle_infer::Config config;
  EXPECT_THAT(ThrownBy([&] { config.EnableXpu(); }), HasSubstr("please compile with option"));
  EXPECT_THAT(ThrownBy([&] { config.SetXpuConfig(paddle_infer::XpuConfig()); }),
              HasSubstr("please compile with option"));
  EXPECT_THAT(ThrownBy([&] { config.SetXpuDeviceId(1); }), StartsWith("(PreconditionNotMet)"));
  EXPECT_THAT(ThrownBy([&] { config.EnableIpu(); }), StartsWith("(Unavailable)"));
  EXPECT_THAT(ThrownBy([&] { config.SetIpuConfig(); }), StartsWith("(Unavailable)"));
  EXPECT_THAT(ThrownBy([&] { config.EnableCustomDevice("npu"); }),
              StartsWith("(Unavailable) To use the device npu, please compile with"));
  EXPECT_FALSE(config.use_xpu() || config.use_ipu() || config.use_custom_device());
  EXPECT_EQ(config.xpu_device_id(), 0);
}

TEST(ApiDevices, EnableONNXRuntime_EnableORTOptimization_EnableOpenVINOEngine) {
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  EXPECT_THAT(LogOf([&] { config.EnableONNXRuntime(); }), HasSubstr("compile with onnxruntime"));
  config.EnableORTOptimization();
  EXPECT_FALSE(config.use_onnxruntime());
  EXPECT_TRUE(config.ort_optimization_enabled());
  config.DisableONNXRuntime();
  EXPECT_THAT(LogOf([&] { config.EnableOpenVINOEngine(Precision::kFloat32); }),
              HasSubstr("compile with OpenVINO"));
  EXPECT_FALSE(config.openvino_engine_enabled());
  ExpectRunsAsEver(config);
}

TEST(ApiDevices, EnableLowPrecisionIO) {
  paddle_infer::Config config;
  EXPECT_THAT(ThrownBy([&] { config.EnableLowPrecisionIO(); }),
              StartsWith("(InvalidArgument) To enable low precision io"));
  config.EnableLowPrecisionIO(false);
}

TEST(ApiDevices, GpuSwitchesStoreValuesOnly) {
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  config.Exp_EnableMixedPrecisionOps({"conv2d"});
  config.Exp_DisableMixedPrecisionOps({"fc"});
  config.Exp_EnableUseCutlass();
  config.Exp_SparseConvUsingBuffer({1}, {{1}});
  config.EnableCUDNN();
  EXPECT_TRUE(config.cudnn_enabled());
  int stream = 0;
  config.SetExecStream(&stream);
  EXPECT_EQ(config.GetExecStream(), &stream);
  EXPECT_TRUE(config.external_stream_enabled());
  config.EnableGpuMultiStream();
  EXPECT_TRUE(config.thread_local_stream_enabled());
  config.EnableCINN();
  EXPECT_TRUE(config.cinn_enabled());
  ExpectRunsAsEver(config);
}

TEST(ApiDevices, EnableLiteEngine_EnableDlnne_EnableOpenCL) {
  paddle_infer::Config config = ConfigOf("mobilenet_v2_int8");
  EXPECT_THAT(LogOf([&] { config.EnableLiteEngine(); }), HasSubstr("Lite"));
  EXPECT_THAT(LogOf([&] { config.EnableDlnne(); }), HasSubstr("DLNNE"));
  config.EnableOpenCL();
  EXPECT_TRUE(config.use_opencl());
  EXPECT_FALSE(config.lite_engine_enabled() || config.dlnne_enabled());
  ExpectRunsAsEver(config);
}

}  // namespace
}  // namespace skiff::api_tests
