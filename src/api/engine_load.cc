// Engine::Create: from a Config to a compiled model.
#include <algorithm>
#include <filesystem>
#include <new>

#include "api/config_state.h"
#include "api/engine.h"
#include "api/errors.h"
#include "api/log.h"
#include "api/quantizer.h"
#include "base/cpu_count.h"
#include "formats/model_files.h"
#include "formats/quant_summary.h"
#include "plan/model.h"
#include "quant/convert/convert_program.h"
#include "session/load.h"

namespace skiff::api {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOptimizedName = "_optimized";

std::span<const std::byte> Bytes(const std::shared_ptr<const std::string>& text) {
  if (!text) return {};
  return std::as_bytes(std::span(text->data(), text->size()));
}

// Paths are taken as they are; a folder and a file name in it may also be given together.
ModelSource SourceOf(const ConfigState& config) {
  ModelSource source;
  if (config.from_memory) {
    source.model_buffer = Bytes(config.prog_buffer);
    source.params_buffer = Bytes(config.params_buffer);
    return source;
  }
  if (config.use_optimized_model && !config.optim_cache_dir.empty()) {
    const fs::path optimized = fs::path(config.optim_cache_dir) / kOptimizedName;
    if (fs::exists(optimized.string() + ".pdmodel")) {
      source.model_file = optimized.string() + ".pdmodel";
      source.params_file = optimized.string() + ".pdiparams";
      return source;
    }
  }
  source.model_file = config.prog_file;
  source.params_file = config.params_file;
  if (source.model_file.empty()) source.model_dir = config.model_dir;
  return source;
}

program::Program Read(const ConfigState& config) {
  const ModelSource source = SourceOf(config);
  if (!config.from_memory && source.model_dir.empty() && source.model_file.empty()) {
    const char* message = "Either model_dir or (prog_file, param_file) should be set.";
    LogError(message);
    Throw("InvalidArgument", message);
  }
  if (config.mkldnn_quantizer) return QuantiseOnLoad(source, *config.quantizer_config);
  Result<program::Program> program = session::ReadSource(source);
  if (!program.ok() && program.status().code() == StatusCode::kNotFound) {
    Throw("NotFound", "Cannot open file " + std::string(program.status().message()));
  }
  ThrowIfError(program.ok() ? OkStatus() : program.status());
  return *std::move(program);
}

bool IsDeployed(const program::Program& program) {
  if (program.blocks.empty()) return false;
  const std::vector<program::OpDesc>& ops = program.blocks[0].ops;
  return std::any_of(ops.begin(), ops.end(), [](const program::OpDesc& op) {
    return program::FindAttribute(op.attributes, quant::kDeployedInt8) != nullptr;
  });
}

// Without EnableMkldnnInt8 Paddle runs a quantised model literally, in float; programs that
// save_quant_model.py or Skiff converted are there to run in integers.
Precision PrecisionFor(const ConfigState& config, const program::Program& program) {
  using formats::Representation;
  const Representation found = formats::SummariseQuantisation(program).representation;
  if (config.RunsInt8() || config.mkldnn_quantizer || found == Representation::kR7 ||
      IsDeployed(program)) {
    return Precision::kInt8;
  }
  if (found != Representation::kNone) return Precision::kSimulate;
  return config.RunsBfloat16() ? Precision::kBf16 : Precision::kFp32;
}

runtime::ContextOptions ContextFor(const ConfigState& config) {
  runtime::ContextOptions options;
  options.threads = std::clamp(config.threads, 1, AvailableCpus());
  options.profile = config.profile;
  return options;
}

void SaveOptimised(const ConfigState& config, const program::Program& program) {
  if (!config.save_optim_model || config.optim_cache_dir.empty()) return;
  ThrowIfError(formats::SaveModel(program, config.optim_cache_dir, kOptimizedName,
                                  program::ParamsLayout::kCombined));
}

std::shared_ptr<const plan::Model> Compile(const ConfigState& config) {
  const program::Program program = Read(config);
  SaveOptimised(config, program);
  SessionOptions options;
  options.precision = PrecisionFor(config, program);
  options.calibration_file = config.calibration_file;
  options.threads = ContextFor(config).threads;
  options.optim_cache_dir = config.optim_cache_dir;
  std::vector<std::string> warnings;
  Result<plan::CompileOptions> compile = session::OptionsFor(options, &warnings);
  if (!compile.ok()) Throw(compile.status());
  for (const std::string& warning : warnings) LogWarning(warning);
  compile->fuse = config.ir_optim;
  compile->int8_types.assign(config.int8_ops.begin(), config.int8_ops.end());
  compile->bfloat16 = config.RunsBfloat16();
  compile->bfloat16_types.assign(config.bfloat16_ops.begin(), config.bfloat16_ops.end());
  Result<std::shared_ptr<const plan::Model>> model = plan::Compile(program, *compile);
  if (!model.ok()) Throw(model.status().WithContext(program.source));
  if (!config.quiet) {
    LogInfo(program.source + ": " + std::string(Name(options.precision)) +
            (options.precision == Precision::kInt8 && compile->bfloat16 ? " and bf16" : "") +
            " on " + std::string(Name((*model)->isa)) + ", " +
            std::to_string((*model)->steps.size()) + " layers");
  }
  return *std::move(model);
}

}  // namespace

std::shared_ptr<Engine> Engine::Create(const ConfigState& config) {
  try {
    auto engine = std::make_shared<Engine>(Compile(config), ContextFor(config));
    engine->WarmUp();
    return engine;
  } catch (const std::bad_alloc&) {
    Throw("ResourceExhausted", "not enough memory to load the model");
  }
}

}  // namespace skiff::api
