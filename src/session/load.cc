#include "session/load.h"

#include "base/isa.h"
#include "formats/calibration_table.h"
#include "formats/model_files.h"
#include "onednn/isa_cap.h"
#include "session/kernel_cache.h"

namespace skiff::session {

Result<program::Program> ReadSource(const ModelSource& source) {
  return formats::LoadModel(source);
}

Result<bool> MultipliesBfloat16() {
  SKIFF_ASSIGN_OR_RETURN(const Isa isa, SelectIsa());
  onednn::CapIsa(isa);
  return onednn::MultipliesBfloat16();
}

Status CheckOptions(const SessionOptions& options) {
  if (options.threads < 1 || options.threads > 1024) {
    return InvalidArgument("threads is " + std::to_string(options.threads) +
                           ", 1 to 1024 expected");
  }
  return OkStatus();
}

Result<plan::CompileOptions> OptionsFor(const SessionOptions& options,
                                        std::vector<std::string>* warnings) {
  plan::CompileOptions compile;
  compile.precision = options.precision;
  if (options.precision == Precision::kBf16) {
    SKIFF_ASSIGN_OR_RETURN(const bool native, MultipliesBfloat16());
    if (!native) {
      compile.precision = Precision::kFp32;
      if (warnings != nullptr) {
        warnings->push_back("no bfloat16: oneDNN may use " + onednn::EffectiveIsa() +
                            " here, which does not multiply it; the model runs in fp32");
      }
    }
  }
  if (!options.calibration_file.empty()) {
    SKIFF_ASSIGN_OR_RETURN(const formats::CalibrationTable table,
                           formats::ReadCalibrationTable(options.calibration_file));
    compile.thresholds.assign(table.begin(), table.end());
  }
  if (!options.optim_cache_dir.empty()) {
    CachedChoices cached = ReadChoices(options.optim_cache_dir, options.threads);
    compile.choices = std::move(cached.choices);
    if (warnings != nullptr && !cached.warning.empty()) {
      warnings->push_back(std::move(cached.warning));
    }
  }
  return compile;
}

}  // namespace skiff::session
