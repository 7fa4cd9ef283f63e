// load: from files to a compiled model; what Session, compare and the tools share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan/model.h"
#include "program/program.h"
#include "skiff/session_types.h"

namespace skiff::session {

// The program of a model source. Errors name the file.
Result<program::Program> ReadSource(const ModelSource& source);

// Does this CPU, up to SKIFF_ISA, multiply bfloat16? An error where SKIFF_ISA cannot be obeyed.
Result<bool> MultipliesBfloat16();

Status CheckOptions(const SessionOptions& options);

// Compile options for what the user asked; reads the calibration table and the chosen kernels, if
// there are any. `warnings`, which may be null, receives what was put aside.
Result<plan::CompileOptions> OptionsFor(const SessionOptions& options,
                                        std::vector<std::string>* warnings = nullptr);

}  // namespace skiff::session
