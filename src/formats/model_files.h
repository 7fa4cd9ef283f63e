// Finds and loads a model: program and parameters, from a folder, two files or two buffers.
//
// Folders may hold (docs/formats.md): `__model__` with `__params__` or a file for each
// parameter; `model` with `params`; `<name>.pdmodel` with `<name>.pdiparams`. Of several programs,
// `inference.pdmodel` and then `model.pdmodel` is taken; otherwise the caller has to name one.
// Thread-safety: pure functions of the file system.
#pragma once

#include "base/status.h"
#include "program/program.h"
#include "skiff/session_types.h"

namespace skiff::formats {

// Buffers need not outlive the call.
Result<program::Program> LoadModel(const ModelSource& source);

// Writes program and parameters into `folder`, made if need be, under the names of Paddle 2:
// `<prefix>.pdmodel` and `<prefix>.pdiparams`; or, with ParamsLayout::kSeparate, as `__model__` and
// a file for each parameter.
Status SaveModel(const program::Program& program, const std::string& folder,
                 const std::string& prefix, program::ParamsLayout layout);

}  // namespace skiff::formats
