// load: from files to a compiled model; what Session, compare and the tools share.
#pragma once

#include <memory>

#include "plan/model.h"
#include "program/program.h"
#include "skiff/session_types.h"

namespace skiff::session {

// The program of a model source. Errors name the file.
Result<program::Program> ReadSource(const ModelSource& source);

// Compile options for what the user asked; reads the calibration table if there is one.
Result<plan::CompileOptions> OptionsFor(const SessionOptions& options);

}  // namespace skiff::session
