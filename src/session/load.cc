#include "session/load.h"

#include "formats/calibration_table.h"
#include "formats/model_files.h"

namespace skiff::session {

Result<program::Program> ReadSource(const ModelSource& source) {
  return formats::LoadModel(source);
}

Result<plan::CompileOptions> OptionsFor(const SessionOptions& options) {
  plan::CompileOptions compile;
  compile.precision = options.precision;
  if (!options.calibration_file.empty()) {
    SKIFF_ASSIGN_OR_RETURN(const formats::CalibrationTable table,
                           formats::ReadCalibrationTable(options.calibration_file));
    compile.thresholds.assign(table.begin(), table.end());
  }
  return compile;
}

}  // namespace skiff::session
