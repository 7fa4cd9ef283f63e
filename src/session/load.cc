#include "session/load.h"

#include "formats/model_files.h"

namespace skiff::session {

Result<program::Program> ReadSource(const ModelSource& source) { return formats::LoadModel(source); }

Result<plan::CompileOptions> OptionsFor(const SessionOptions& options) {
  plan::CompileOptions compile;
  compile.precision = options.precision;
  return compile;
}

}  // namespace skiff::session
