#include "session/load.h"

#include "formats/calibration_table.h"
#include "formats/model_files.h"
#include "session/kernel_cache.h"

namespace skiff::session {

Result<program::Program> ReadSource(const ModelSource& source) {
  return formats::LoadModel(source);
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
