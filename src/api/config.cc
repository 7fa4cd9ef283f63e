// AnalysisConfig: the model, the passes and the CPU. Other devices: config_devices.cc.
#include <algorithm>

#include "api/config_state.h"
#include "api/errors.h"
#include "api/log.h"
#include "api/pass_lists.h"
#include "paddle_infer/paddle_api.h"
#include "session/load.h"

namespace skiff::api {

void ConfigState::RebuildPasses() {
  passes = paddle::CpuPassStrategy();
  if (mkldnn) passes.EnableMKLDNN();
  if (RunsInt8()) passes.EnableMkldnnInt8();
  if (mkldnn_quantizer) passes.EnableMkldnnQuantizer();
  if (mkldnn_bfloat16) passes.EnableMkldnnBfloat16();
  if (!fc_passes) passes.DisableMkldnnFcPasses();
  if (memory_optim) passes.AppendAnalysisPass(std::string(kMemoryPass));
}

}  // namespace skiff::api

namespace paddle {

using skiff::api::ConfigState;

AnalysisConfig::AnalysisConfig() : state_(std::make_unique<ConfigState>()) {
  state_->RebuildPasses();
}
AnalysisConfig::AnalysisConfig(const AnalysisConfig& other)
    : state_(std::make_unique<ConfigState>(*other.state_)) {
  state_->consumed = false;
}
AnalysisConfig::AnalysisConfig(AnalysisConfig&& other) noexcept = default;
AnalysisConfig& AnalysisConfig::operator=(const AnalysisConfig& other) {
  if (this != &other) *this = AnalysisConfig(other);
  return *this;
}
AnalysisConfig& AnalysisConfig::operator=(AnalysisConfig&& other) noexcept = default;
AnalysisConfig::AnalysisConfig(const std::string& model_dir) : AnalysisConfig() {
  state_->model_dir = model_dir;
}
AnalysisConfig::AnalysisConfig(const std::string& prog_file, const std::string& params_file)
    : AnalysisConfig() {
  state_->prog_file = prog_file;
  state_->params_file = params_file;
}
AnalysisConfig::~AnalysisConfig() = default;

void AnalysisConfig::SetModel(const std::string& model_dir) { state_->model_dir = model_dir; }

// Programs pass on the flags of their command line, and leave empty what was not given.
void AnalysisConfig::SetModel(const std::string& prog_file, const std::string& params_file) {
  if (prog_file.empty() && params_file.empty()) return;
  state_->prog_file = prog_file;
  state_->params_file = params_file;
}

void AnalysisConfig::SetProgFile(const std::string& prog_file) { state_->prog_file = prog_file; }
void AnalysisConfig::SetParamsFile(const std::string& params_file) {
  state_->params_file = params_file;
}

void AnalysisConfig::SetModelBuffer(const char* prog_buffer, std::size_t prog_size,
                                    const char* params_buffer, std::size_t params_size) {
  state_->prog_buffer = std::make_shared<const std::string>(prog_buffer, prog_size);
  state_->params_buffer = std::make_shared<const std::string>(params_buffer, params_size);
  state_->from_memory = true;
}

const std::string& AnalysisConfig::model_dir() const { return state_->model_dir; }
const std::string& AnalysisConfig::prog_file() const { return state_->prog_file; }
const std::string& AnalysisConfig::params_file() const { return state_->params_file; }
bool AnalysisConfig::model_from_memory() const { return state_->from_memory; }

void AnalysisConfig::SetCalibrationFilePath(const std::string& path) {
  state_->calibration_file = path;
}
const std::string& AnalysisConfig::calibration_file_path() const {
  return state_->calibration_file;
}

void AnalysisConfig::SetOptimCacheDir(const std::string& dir) { state_->optim_cache_dir = dir; }
void AnalysisConfig::EnableSaveOptimModel(bool save) { state_->save_optim_model = save; }
bool AnalysisConfig::save_optim_model() const { return state_->save_optim_model; }
void AnalysisConfig::UseOptimizedModel(bool use) { state_->use_optimized_model = use; }
bool AnalysisConfig::use_optimized_model() const { return state_->use_optimized_model; }

void AnalysisConfig::SwitchIrOptim(int x) { state_->ir_optim = x != 0; }
bool AnalysisConfig::ir_optim() const { return state_->ir_optim; }
void AnalysisConfig::SwitchIrDebug(int x, const std::vector<std::string>& passes) {
  state_->ir_debug = x != 0;
  if (!state_->ir_debug) return;
  if (passes.empty()) {
    state_->passes.TurnOnDebug();
  } else {
    state_->passes.ClearPasses();
    for (const std::string& pass : passes) state_->passes.AppendPass(pass);
  }
}
bool AnalysisConfig::ir_debug() const { return state_->ir_debug; }
void AnalysisConfig::SetOptimizationLevel(int level) { state_->optimization_level = level; }
int AnalysisConfig::optimization_level() const { return state_->optimization_level; }
void AnalysisConfig::EnableNewIR(bool x) { state_->new_ir = x; }
bool AnalysisConfig::new_ir_enabled() const { return state_->new_ir; }
void AnalysisConfig::EnableNewExecutor(bool x) { state_->new_executor = x; }
bool AnalysisConfig::new_executor_enabled() const { return state_->new_executor; }
void AnalysisConfig::EnableCustomPasses(const std::vector<std::string>& passes,
                                        bool custom_pass_only) {
  state_->custom_passes = passes;
  state_->custom_pass_only = custom_pass_only;
}
void AnalysisConfig::DeletePass(const std::string& pass) { state_->passes.DeletePass(pass); }
PassStrategy* AnalysisConfig::pass_builder() const { return &state_->passes; }
void AnalysisConfig::PartiallyRelease() {
  state_->prog_buffer.reset();
  state_->params_buffer.reset();
}

void AnalysisConfig::EnableMemoryOptim(bool x) {
  if (state_->memory_optim == x) return;
  state_->memory_optim = x;
  if (x) {
    state_->passes.AppendAnalysisPass(std::string(skiff::api::kMemoryPass));
  } else {
    state_->RebuildPasses();
  }
}
bool AnalysisConfig::enable_memory_optim() const { return state_->memory_optim; }
void AnalysisConfig::EnableProfile() { state_->profile = true; }
bool AnalysisConfig::profile_enabled() const { return state_->profile; }
void AnalysisConfig::DisableGlogInfo() { state_->quiet = true; }
bool AnalysisConfig::glog_info_disabled() const { return state_->quiet; }

void AnalysisConfig::SetCpuMathLibraryNumThreads(int threads) { state_->threads = threads; }
int AnalysisConfig::cpu_math_library_num_threads() const { return state_->threads; }

void AnalysisConfig::EnableMKLDNN() {
  if (state_->mkldnn) return;
  state_->mkldnn = true;
  state_->RebuildPasses();
}
void AnalysisConfig::DisableMKLDNN() {
  state_->mkldnn = false;
  state_->RebuildPasses();
}
bool AnalysisConfig::mkldnn_enabled() const { return state_->mkldnn; }
void AnalysisConfig::SetMkldnnCacheCapacity(int capacity) {
  state_->mkldnn_cache_capacity = capacity;
}
int AnalysisConfig::mkldnn_cache_capacity() const { return state_->mkldnn_cache_capacity; }
void AnalysisConfig::SetMKLDNNOp(std::unordered_set<std::string> ops) {
  state_->mkldnn_ops = std::move(ops);
}

void AnalysisConfig::EnableMkldnnInt8(const std::unordered_set<std::string>& ops) {
  state_->mkldnn_int8 = true;
  state_->fc_padding = false;
  state_->int8_ops.insert(ops.begin(), ops.end());
  if (!state_->ir_optim) {
    skiff::api::LogError("EnableMkldnnInt8() only works when IR optimization is enabled.");
  } else if (!state_->mkldnn) {
    skiff::api::LogError("EnableMkldnnInt8() only works when MKLDNN is enabled.");
  }
  state_->RebuildPasses();
}
bool AnalysisConfig::mkldnn_int8_enabled() const { return state_->mkldnn_int8; }

void AnalysisConfig::EnableMkldnnQuantizer() {
  state_->mkldnn_quantizer = true;
  if (!state_->quantizer_config) {
    state_->quantizer_config = std::make_shared<MkldnnQuantizerConfig>();
  }
  state_->RebuildPasses();
}
bool AnalysisConfig::mkldnn_quantizer_enabled() const { return state_->mkldnn_quantizer; }
std::shared_ptr<MkldnnQuantizerConfig> AnalysisConfig::mkldnn_quantizer_config() const {
  if (!state_->quantizer_config) {
    skiff::api::Throw("PreconditionNotMet", "MkldnnQuantizer was not enabled yet.");
  }
  return state_->quantizer_config;
}

// Paddle takes any AVX-512 and lets oneDNN simulate where the CPU does not multiply bfloat16, which
// is slower than float32.
void AnalysisConfig::EnableMkldnnBfloat16() {
  const skiff::Result<bool> native = skiff::session::MultipliesBfloat16();
  state_->mkldnn_bfloat16 = native.ok() && *native;
  if (!state_->quiet) {
    skiff::api::LogInfo(state_->mkldnn_bfloat16
                            ? "Hardware support for BFLOAT16 is enabled"
                            : "CPU does not support BFLOAT16 calculations: float layers run in "
                              "float32");
  }
  state_->RebuildPasses();
}
bool AnalysisConfig::mkldnn_bfloat16_enabled() const { return state_->mkldnn_bfloat16; }
void AnalysisConfig::SetBfloat16Op(std::unordered_set<std::string> ops) {
  state_->bfloat16_ops = std::move(ops);
}

void AnalysisConfig::DisableMkldnnFcPasses() {
  state_->fc_passes = false;
  state_->passes.DisableMkldnnFcPasses();
}
void AnalysisConfig::DisableFCPadding() { state_->fc_padding = false; }
bool AnalysisConfig::use_fc_padding() const { return state_->fc_padding; }

void AnalysisConfig::SwitchUseFeedFetchOps(int x) { state_->use_feed_fetch_ops = x != 0; }
bool AnalysisConfig::use_feed_fetch_ops_enabled() const { return state_->use_feed_fetch_ops; }
void AnalysisConfig::SwitchSpecifyInputNames(bool x) { state_->specify_input_name = x; }
bool AnalysisConfig::specify_input_name() const { return state_->specify_input_name; }

NativeConfig AnalysisConfig::ToNativeConfig() const {
  NativeConfig config;
  config.model_dir = state_->model_dir;
  config.prog_file = state_->prog_file;
  config.param_file = state_->params_file;
  config.device = state_->gpu_device_id;
  config.specify_input_name = state_->specify_input_name;
  config.SetCpuMathLibraryNumThreads(state_->threads);
  return config;
}

bool AnalysisConfig::is_valid() const { return !state_->consumed; }
void AnalysisConfig::SetInValid() const { state_->consumed = true; }

}  // namespace paddle
