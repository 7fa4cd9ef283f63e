// AnalysisConfig: engines and devices that a CPU has not. Each method does what Paddle's CPU-only
// build does: log and stay off, store, or throw.
#include "api/config_state.h"
#include "api/errors.h"
#include "api/log.h"

// The signatures are Paddle's. NOLINTBEGIN(performance-unnecessary-value-param)
namespace paddle {

using skiff::api::LogError;
using skiff::api::Throw;

void AnalysisConfig::EnableONNXRuntime() {
  LogError("Please compile with onnxruntime to EnableONNXRuntime()");
}
void AnalysisConfig::DisableONNXRuntime() {}
bool AnalysisConfig::use_onnxruntime() const { return false; }
void AnalysisConfig::EnableORTOptimization() { state_->ort_optimization = true; }
bool AnalysisConfig::ort_optimization_enabled() const { return state_->ort_optimization; }

void AnalysisConfig::EnableOpenVINOEngine(Precision) {
  LogError("Please compile with OpenVINO to EnableOpenVINOEngine()");
}
bool AnalysisConfig::openvino_engine_enabled() const { return false; }

void AnalysisConfig::EnableLiteEngine(Precision, bool, const std::vector<std::string>&,
                                      const std::vector<std::string>&) {
  LogError("Please compile with Paddle-Lite to EnableLiteEngine()");
}
bool AnalysisConfig::lite_engine_enabled() const { return false; }

void AnalysisConfig::EnableDlnne(int, int, bool, std::string, std::unordered_set<std::string>,
                                 std::map<std::string, std::vector<int64_t>>, bool, Precision) {
  LogError("Please compile with DLNNE to EnableDlnne()");
}
bool AnalysisConfig::dlnne_enabled() const { return false; }

void AnalysisConfig::EnableOpenCL() { state_->opencl = true; }
bool AnalysisConfig::use_opencl() const { return state_->opencl; }
void AnalysisConfig::EnableCINN() { state_->cinn = true; }
bool AnalysisConfig::cinn_enabled() const { return state_->cinn; }

void AnalysisConfig::EnableUseGpu(uint64_t, int, Precision) {
  LogError("Please use PaddlePaddle with GPU version.");
}
void AnalysisConfig::DisableGpu() {}
bool AnalysisConfig::use_gpu() const { return false; }
int AnalysisConfig::gpu_device_id() const { return state_->gpu_device_id; }
int AnalysisConfig::memory_pool_init_size_mb() const {
  return static_cast<int>(state_->gpu_memory_mb);
}
float AnalysisConfig::fraction_of_gpu_memory_for_pool() const { return 0; }
void AnalysisConfig::EnableCUDNN() { state_->cudnn = true; }
bool AnalysisConfig::cudnn_enabled() const { return state_->cudnn; }
void AnalysisConfig::SetExecStream(void* stream) {
  state_->exec_stream = stream;
  state_->external_stream = true;
}
void* AnalysisConfig::GetExecStream() const { return state_->exec_stream; }
bool AnalysisConfig::external_stream_enabled() const { return state_->external_stream; }
void AnalysisConfig::EnableGpuMultiStream() { state_->multi_stream = true; }
bool AnalysisConfig::thread_local_stream_enabled() const { return state_->multi_stream; }
void AnalysisConfig::EnableLowPrecisionIO(bool x) {
  if (!x) return;
  Throw("InvalidArgument",
        "To enable low precision io, please call EnableUseGPU() to specify precision mode as low "
        "precision.");
}
void AnalysisConfig::Exp_EnableMixedPrecisionOps(
    const std::unordered_set<std::string>& white_list) {
  state_->mixed_white_list = white_list;
}
void AnalysisConfig::Exp_DisableMixedPrecisionOps(
    const std::unordered_set<std::string>& black_list) {
  state_->mixed_black_list = black_list;
}
void AnalysisConfig::Exp_EnableUseCutlass() { state_->cutlass = true; }
void AnalysisConfig::Exp_SparseConvUsingBuffer(const std::vector<int>& kernels,
                                               const std::vector<std::vector<int>>& attrs) {
  state_->sparse_conv_kernels = kernels;
  state_->sparse_conv_attrs = attrs;
}

void AnalysisConfig::EnableTensorRtEngine(int64_t, int, int, Precision, bool, bool, bool) {
  Throw("PreconditionNotMet", "To use Paddle-TensorRT, please compile with TENSORRT first.");
}
bool AnalysisConfig::tensorrt_engine_enabled() const { return false; }
AnalysisConfig::Precision AnalysisConfig::tensorrt_precision_mode() const {
  return Precision::kFloat32;
}
void AnalysisConfig::EnableTensorRTMemoryOptim(bool, int) {
  Throw("InvalidArgument",
        "To enable TensorRT memory optim, please call EnableTensorRtEngine or "
        "enable_tensorrt_engine first.");
}
bool AnalysisConfig::trt_engine_memory_sharing() const { return false; }
void AnalysisConfig::SetTRTDynamicShapeInfo(
    std::map<std::string, std::vector<int>> min_input_shape,
    std::map<std::string, std::vector<int>> max_input_shape,
    std::map<std::string, std::vector<int>> optim_input_shape, bool) {
  state_->trt_min_shape = std::move(min_input_shape);
  state_->trt_max_shape = std::move(max_input_shape);
  state_->trt_optim_shape = std::move(optim_input_shape);
}
bool AnalysisConfig::tensorrt_dynamic_shape_enabled() const {
  return !state_->trt_min_shape.empty();
}
void AnalysisConfig::EnableTunedTensorRtDynamicShape(const std::string& shape_range_info_path,
                                                     bool allow_build_at_runtime) {
  state_->shape_range_info_path = shape_range_info_path;
  state_->trt_allow_build_at_runtime = allow_build_at_runtime;
  state_->trt_tuned_dynamic_shape = true;
}
bool AnalysisConfig::tuned_tensorrt_dynamic_shape() const {
  return state_->trt_tuned_dynamic_shape;
}
bool AnalysisConfig::trt_allow_build_at_runtime() const {
  return state_->trt_allow_build_at_runtime;
}
void AnalysisConfig::CollectShapeRangeInfo(const std::string& shape_range_info_path) {
  if (shape_range_info_path.empty()) {
    Throw("InvalidArgument",
          "The shape_range_info_path should not be empty, please re-check the argument.");
  }
  state_->collect_shape_range_info = true;
  state_->shape_range_info_path = shape_range_info_path;
}
bool AnalysisConfig::shape_range_info_collected() const { return state_->collect_shape_range_info; }
const std::string& AnalysisConfig::shape_range_info_path() const {
  return state_->shape_range_info_path;
}
void AnalysisConfig::EnableVarseqlen() { state_->trt_varseqlen = true; }
bool AnalysisConfig::tensorrt_varseqlen_enabled() const { return state_->trt_varseqlen; }
void AnalysisConfig::EnableTensorRtDLA(int) { state_->trt_dla = true; }
bool AnalysisConfig::tensorrt_dla_enabled() const { return state_->trt_dla; }
void AnalysisConfig::EnableTensorRtInspector(bool) { state_->trt_inspector = true; }
bool AnalysisConfig::tensorrt_inspector_enabled() const { return state_->trt_inspector; }
void AnalysisConfig::EnableTensorRtExplicitQuantization() {
  state_->trt_explicit_quantization = true;
}
bool AnalysisConfig::tensorrt_explicit_quantization_enabled() const {
  return state_->trt_explicit_quantization;
}
void AnalysisConfig::MarkTrtEngineOutputs(const std::vector<std::string>& output_tensor_names) {
  state_->trt_outputs = output_tensor_names;
}
void AnalysisConfig::SetTensorRtOptimizationLevel(int level) {
  if (level < 0 || level > 5) {
    Throw("InvalidArgument",
          "The input level in SetTRTOptimizationLevel is invalid. The level "
          "must be in range [0, 5], but received level = " +
              std::to_string(level) + ".");
  }
  state_->trt_optimization_level = level;
}
int AnalysisConfig::tensorrt_optimization_level() const { return state_->trt_optimization_level; }
void AnalysisConfig::Exp_DisableTensorRtOPs(const std::vector<std::string>& ops) {
  state_->trt_disabled_ops.insert(state_->trt_disabled_ops.end(), ops.begin(), ops.end());
}
void AnalysisConfig::Exp_DisableTensorRtSubgraph(const std::vector<std::string>& var_name_not_trt) {
  state_->trt_disabled_vars.insert(state_->trt_disabled_vars.end(), var_name_not_trt.begin(),
                                   var_name_not_trt.end());
}
void AnalysisConfig::Exp_SpecifyTensorRTSubgraphPrecision(const std::vector<std::string>& params,
                                                          const std::vector<std::string>& half,
                                                          const std::vector<std::string>& int8) {
  state_->trt_params_half = params;
  state_->trt_ops_half = half;
  state_->trt_ops_int8 = int8;
}
void AnalysisConfig::Exp_DisableTensorRTDynamicShapeOPs(bool trt_forbid_dynamic_op) {
  state_->trt_forbid_dynamic_op = trt_forbid_dynamic_op;
}

void AnalysisConfig::EnableXpu(int, bool, bool, const std::string&, const std::string&, bool,
                               bool) {
  Throw("PreconditionNotMet",
        "To use XPU inference, please compile with option 'WITH_XPU' or 'WITH_LITE & "
        "LITE_WITH_XPU' first.");
}
void AnalysisConfig::SetXpuConfig(const XpuConfig&) {
  Throw("PreconditionNotMet", "To use XPU inference, please compile with option 'WITH_XPU' first.");
}
void AnalysisConfig::SetXpuDeviceId(int) {
  Throw("PreconditionNotMet", "Should call EnableXpu before SetXpuDeviceId.");
}
bool AnalysisConfig::use_xpu() const { return false; }
int AnalysisConfig::xpu_device_id() const { return 0; }
void AnalysisConfig::EnableIpu(int, int, bool, int) {
  Throw("Unavailable",
        "You tried to enable the ipu but did not have the option -DWITH_IPU compiled.");
}
void AnalysisConfig::SetIpuConfig(bool, int, float, bool, bool) {
  Throw("Unavailable",
        "You tried to enable the ipu but did not have the option -DWITH_IPU compiled.");
}
bool AnalysisConfig::use_ipu() const { return false; }
void AnalysisConfig::EnableCustomDevice(const std::string& device_type, int, Precision) {
  Throw("Unavailable", "To use the device " + device_type +
                           ", please compile with option 'WITH_CUSTOM_DEVICE' first.");
}
bool AnalysisConfig::use_custom_device() const { return false; }

}  // namespace paddle

// NOLINTEND(performance-unnecessary-value-param)
