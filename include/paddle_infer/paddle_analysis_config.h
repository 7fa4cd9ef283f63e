// AnalysisConfig (paddle_infer::Config): which model a Predictor runs, and how.
//
// Every method of Paddle's class that makes sense on a CPU-only build is here; docs/api.md has a
// table of what each does. Switches of other devices do what Paddle's CPU-only build does: log,
// store, or throw. Value type; a Config is used up by the Predictor that is made of it, a copy of
// it is not.
#pragma once

// The names are Paddle's. NOLINTBEGIN(readability-identifier-naming)

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "paddle_infer_declare.h"
#include "paddle_mkldnn_quantizer_config.h"
#include "paddle_pass_builder.h"

namespace skiff {
namespace api {
struct ConfigState;
}  // namespace api
}  // namespace skiff

namespace paddle {

struct NativeConfig;

struct XpuConfig {
  int device_id = 0;
  std::size_t l3_size = 0;
  void* l3_ptr = nullptr;
  std::size_t l3_autotune_size = 0;
};

struct PD_INFER_DECL AnalysisConfig {
  enum class Precision { kFloat32 = 0, kInt8, kHalf, kBf16 };

  AnalysisConfig();
  AnalysisConfig(const AnalysisConfig& other);
  AnalysisConfig(AnalysisConfig&& other) noexcept;
  AnalysisConfig& operator=(const AnalysisConfig& other);
  AnalysisConfig& operator=(AnalysisConfig&& other) noexcept;
  explicit AnalysisConfig(const std::string& model_dir);
  AnalysisConfig(const std::string& prog_file, const std::string& params_file);
  ~AnalysisConfig();

  // The model. Two empty strings change nothing.
  void SetModel(const std::string& model_dir);
  void SetModel(const std::string& prog_file, const std::string& params_file);
  void SetProgFile(const std::string& prog_file);
  void SetParamsFile(const std::string& params_file);
  // Both are copied.
  void SetModelBuffer(const char* prog_buffer, std::size_t prog_size, const char* params_buffer,
                      std::size_t params_size);
  const std::string& model_dir() const;
  const std::string& prog_file() const;
  const std::string& params_file() const;
  bool model_from_memory() const;

  // Skiff's own: "name threshold" lines for tensors that the model has no scale of.
  void SetCalibrationFilePath(const std::string& path);
  const std::string& calibration_file_path() const;

  void SetOptimCacheDir(const std::string& dir);
  void EnableSaveOptimModel(bool save = true);
  bool save_optim_model() const;
  void UseOptimizedModel(bool use = true);
  bool use_optimized_model() const;

  // Graphs and passes.
  void SwitchIrOptim(int x = true);
  bool ir_optim() const;
  void SwitchIrDebug(int x = true, const std::vector<std::string>& passes = {});
  bool ir_debug() const;
  void SetOptimizationLevel(int level = 2);
  int optimization_level() const;
  void EnableNewIR(bool x = true);
  bool new_ir_enabled() const;
  void EnableNewExecutor(bool x = true);
  bool new_executor_enabled() const;
  void EnableCustomPasses(const std::vector<std::string>& passes, bool custom_pass_only = false);
  void DeletePass(const std::string& pass);
  PassStrategy* pass_builder() const;
  void PartiallyRelease();

  void EnableMemoryOptim(bool x = true);
  bool enable_memory_optim() const;
  void EnableProfile();
  bool profile_enabled() const;
  void DisableGlogInfo();
  bool glog_info_disabled() const;

  // The CPU.
  void SetCpuMathLibraryNumThreads(int threads);
  int cpu_math_library_num_threads() const;
  void EnableMKLDNN();
  void DisableMKLDNN();
  bool mkldnn_enabled() const;
  void SetMkldnnCacheCapacity(int capacity);
  int mkldnn_cache_capacity() const;
  void SetMKLDNNOp(std::unordered_set<std::string> ops);
  void EnableMkldnnInt8(const std::unordered_set<std::string>& ops = {});
  bool mkldnn_int8_enabled() const;
  void EnableMkldnnQuantizer();
  bool mkldnn_quantizer_enabled() const;
  std::shared_ptr<MkldnnQuantizerConfig> mkldnn_quantizer_config() const;
  void EnableMkldnnBfloat16();
  bool mkldnn_bfloat16_enabled() const;
  void SetBfloat16Op(std::unordered_set<std::string> ops);
  void DisableMkldnnFcPasses();
  void DisableFCPadding();
  bool use_fc_padding() const;

  // The same under the names of Paddle 3.
  void EnableONEDNN() { EnableMKLDNN(); }
  void DisableONEDNN() { DisableMKLDNN(); }
  bool onednn_enabled() const { return mkldnn_enabled(); }
  void SetOnednnCacheCapacity(int capacity) { SetMkldnnCacheCapacity(capacity); }
  void SetONEDNNOp(std::unordered_set<std::string> ops) { SetMKLDNNOp(std::move(ops)); }
  void EnableOnednnInt8(const std::unordered_set<std::string>& ops = {}) { EnableMkldnnInt8(ops); }
  bool onednn_int8_enabled() const { return mkldnn_int8_enabled(); }
  void EnableOnednnBfloat16() { EnableMkldnnBfloat16(); }
  bool onednn_bfloat16_enabled() const { return mkldnn_bfloat16_enabled(); }
  void DisableOnednnFcPasses() { DisableMkldnnFcPasses(); }

  // Left over from before handles; handles are always what counts.
  void SwitchUseFeedFetchOps(int x = true);
  bool use_feed_fetch_ops_enabled() const;
  void SwitchSpecifyInputNames(bool x = true);
  bool specify_input_name() const;

  std::string Summary();
  NativeConfig ToNativeConfig() const;
  bool is_valid() const;
  void SetInValid() const;

  // Other engines.
  void EnableONNXRuntime();
  void DisableONNXRuntime();
  bool use_onnxruntime() const;
  void EnableORTOptimization();
  bool ort_optimization_enabled() const;
  void EnableOpenVINOEngine(Precision precision = Precision::kFloat32);
  bool openvino_engine_enabled() const;
  void EnableLiteEngine(Precision precision = Precision::kFloat32, bool zero_copy = false,
                        const std::vector<std::string>& passes_filter = {},
                        const std::vector<std::string>& ops_filter = {});
  bool lite_engine_enabled() const;
  void EnableDlnne(int min_subgraph_size = 3, int max_batch_size = 1, bool use_static_batch = false,
                   std::string weight_share_mode = "0",
                   std::unordered_set<std::string> disable_nodes_by_outputs = {},
                   std::map<std::string, std::vector<int64_t>> input_dict = {},
                   bool use_calib_mode = false, Precision precision = Precision::kFloat32);
  bool dlnne_enabled() const;
  void EnableOpenCL();
  bool use_opencl() const;
  void EnableCINN();
  bool cinn_enabled() const;

  // GPUs.
  void EnableUseGpu(uint64_t memory_pool_init_size_mb, int device_id = 0,
                    Precision precision_mode = Precision::kFloat32);
  void DisableGpu();
  bool use_gpu() const;
  int gpu_device_id() const;
  int memory_pool_init_size_mb() const;
  float fraction_of_gpu_memory_for_pool() const;
  void EnableCUDNN();
  bool cudnn_enabled() const;
  void SetExecStream(void* stream);
  void* GetExecStream() const;
  bool external_stream_enabled() const;
  void EnableGpuMultiStream();
  bool thread_local_stream_enabled() const;
  void EnableLowPrecisionIO(bool x = true);
  void Exp_EnableMixedPrecisionOps(const std::unordered_set<std::string>& white_list);
  void Exp_DisableMixedPrecisionOps(const std::unordered_set<std::string>& black_list);
  void Exp_EnableUseCutlass();
  void Exp_SparseConvUsingBuffer(const std::vector<int>& kernels,
                                 const std::vector<std::vector<int>>& attrs);

  // TensorRT.
  void EnableTensorRtEngine(int64_t workspace_size = 1 << 30, int max_batch_size = 1,
                            int min_subgraph_size = 3, Precision precision = Precision::kFloat32,
                            bool use_static = false, bool use_calib_mode = true,
                            bool use_cuda_graph = false);
  bool tensorrt_engine_enabled() const;
  Precision tensorrt_precision_mode() const;
  void EnableTensorRTMemoryOptim(bool engine_memory_sharing = true, int sharing_identifier = 0);
  bool trt_engine_memory_sharing() const;
  void SetTRTDynamicShapeInfo(std::map<std::string, std::vector<int>> min_input_shape,
                              std::map<std::string, std::vector<int>> max_input_shape,
                              std::map<std::string, std::vector<int>> optim_input_shape,
                              bool disable_trt_plugin_fp16 = false);
  bool tensorrt_dynamic_shape_enabled() const;
  void EnableTunedTensorRtDynamicShape(const std::string& shape_range_info_path = "",
                                       bool allow_build_at_runtime = true);
  bool tuned_tensorrt_dynamic_shape() const;
  bool trt_allow_build_at_runtime() const;
  void CollectShapeRangeInfo(const std::string& shape_range_info_path);
  bool shape_range_info_collected() const;
  const std::string& shape_range_info_path() const;
  void EnableVarseqlen();
  bool tensorrt_varseqlen_enabled() const;
  void EnableTensorRtOSS() { EnableVarseqlen(); }
  bool tensorrt_oss_enabled() const { return tensorrt_varseqlen_enabled(); }
  void EnableTensorRtDLA(int dla_core = 0);
  bool tensorrt_dla_enabled() const;
  void EnableTensorRtInspector(bool inspector_serialize = false);
  bool tensorrt_inspector_enabled() const;
  void EnableTensorRtExplicitQuantization();
  bool tensorrt_explicit_quantization_enabled() const;
  void MarkTrtEngineOutputs(const std::vector<std::string>& output_tensor_names = {});
  void SetTensorRtOptimizationLevel(int level);
  int tensorrt_optimization_level() const;
  void Exp_DisableTensorRtOPs(const std::vector<std::string>& ops);
  void Exp_DisableTensorRtSubgraph(const std::vector<std::string>& var_name_not_trt);
  void Exp_SpecifyTensorRTSubgraphPrecision(const std::vector<std::string>& params_half,
                                            const std::vector<std::string>& ops_half,
                                            const std::vector<std::string>& ops_int8);
  void Exp_DisableTensorRTDynamicShapeOPs(bool trt_forbid_dynamic_op);

  // Accelerators that this build has not: each throws.
  void EnableXpu(int l3_workspace_size = 0xfffc00, bool l3_locked = false,
                 bool conv_autotune = true, const std::string& conv_autotune_file = "",
                 const std::string& transformer_encoder_precision = "int16",
                 bool transformer_encoder_adaptive_seqlen = false,
                 bool enable_multi_stream = false);
  void SetXpuConfig(const XpuConfig& config);
  void SetXpuDeviceId(int device_id = 0);
  bool use_xpu() const;
  int xpu_device_id() const;
  void EnableIpu(int ipu_device_num = 1, int ipu_micro_batch_size = 1,
                 bool ipu_enable_pipelining = false, int ipu_batches_per_step = 1);
  void SetIpuConfig(bool ipu_enable_fp16 = false, int ipu_replica_num = 1,
                    float ipu_available_memory_proportion = 1.0F,
                    bool ipu_enable_half_partial = false,
                    bool ipu_enable_model_runtime_executor = false);
  bool use_ipu() const;
  void EnableCustomDevice(const std::string& device_type, int device_id = 0,
                          Precision precision_mode = Precision::kFloat32);
  bool use_custom_device() const;

 private:
  friend struct skiff::api::ConfigState;
  std::unique_ptr<skiff::api::ConfigState> state_;
};

}  // namespace paddle

// NOLINTEND(readability-identifier-naming)
