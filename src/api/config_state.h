// ConfigState: what an AnalysisConfig holds. A value; each method of the class sets or reads a
// field.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "paddle_infer/paddle_analysis_config.h"

namespace skiff::api {

struct ConfigState {
  static const ConfigState& Of(const paddle::AnalysisConfig& config) { return *config.state_; }

  // True when INT8 was asked for and nothing rules it out.
  [[nodiscard]] bool RunsInt8() const { return mkldnn_int8 && mkldnn && ir_optim; }
  [[nodiscard]] bool RunsBfloat16() const { return mkldnn_bfloat16 && mkldnn && ir_optim; }
  // The pass list that the switches give; edits of the user's are lost, as in Paddle.
  void RebuildPasses();

  std::string model_dir;
  std::string prog_file;
  std::string params_file;
  bool from_memory = false;
  std::shared_ptr<const std::string> prog_buffer;  // shared by copies of the Config
  std::shared_ptr<const std::string> params_buffer;
  std::string calibration_file;
  std::string optim_cache_dir;
  bool save_optim_model = false;
  bool use_optimized_model = false;
  bool consumed = false;

  bool ir_optim = true;
  bool ir_debug = false;
  bool memory_optim = false;
  bool profile = false;
  bool quiet = false;
  int optimization_level = 2;
  bool new_ir = false;
  bool new_executor = false;
  std::vector<std::string> custom_passes;
  bool custom_pass_only = false;
  bool use_feed_fetch_ops = true;
  bool specify_input_name = false;
  paddle::CpuPassStrategy passes;

  int threads = 1;
  bool mkldnn = true;
  bool mkldnn_int8 = false;
  bool mkldnn_quantizer = false;
  bool mkldnn_bfloat16 = false;  // asked for, and the CPU has it
  std::shared_ptr<paddle::MkldnnQuantizerConfig> quantizer_config;
  bool fc_passes = true;
  bool fc_padding = true;
  int mkldnn_cache_capacity = 10;
  std::unordered_set<std::string> mkldnn_ops;
  std::unordered_set<std::string> int8_ops;
  std::unordered_set<std::string> bfloat16_ops;

  bool ort_optimization = false;
  bool opencl = false;
  bool cinn = false;

  int gpu_device_id = 0;
  uint64_t gpu_memory_mb = 100;
  bool cudnn = false;
  void* exec_stream = nullptr;
  bool external_stream = false;
  bool multi_stream = false;
  bool cutlass = false;
  std::unordered_set<std::string> mixed_white_list;
  std::unordered_set<std::string> mixed_black_list;
  std::vector<int> sparse_conv_kernels;
  std::vector<std::vector<int>> sparse_conv_attrs;

  std::map<std::string, std::vector<int>> trt_min_shape;
  std::map<std::string, std::vector<int>> trt_max_shape;
  std::map<std::string, std::vector<int>> trt_optim_shape;
  bool trt_tuned_dynamic_shape = false;
  bool trt_allow_build_at_runtime = false;
  bool collect_shape_range_info = false;
  std::string shape_range_info_path;
  bool trt_varseqlen = false;
  bool trt_dla = false;
  bool trt_inspector = false;
  bool trt_explicit_quantization = false;
  int trt_optimization_level = 3;
  std::vector<std::string> trt_outputs;
  std::vector<std::string> trt_disabled_ops;
  std::vector<std::string> trt_disabled_vars;
  std::vector<std::string> trt_params_half;
  std::vector<std::string> trt_ops_half;
  std::vector<std::string> trt_ops_int8;
  bool trt_forbid_dynamic_op = false;
};

}  // namespace skiff::api
