// Parameters: tensor records in one combined file (.pdiparams, __params__) or in a file each
// (docs/formats.md).
//
// A record's own dtype and dims count, never the VarDesc. Records are not trusted: every size is
// checked against the bytes that are there. Thread-safety: pure functions.
// Ownership: a tensor's data is a view of the mapped file where it is aligned there, else a copy.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "program/program.h"

namespace skiff::formats {

// Each fills program->params with a tensor for each of ParameterNames(*program).

// From bytes in memory, which are copied. `source` names them in messages.
Status ReadCombinedParams(std::span<const std::byte> bytes, std::string_view source,
                          program::Program* program);
// From a file. A missing one is an error only when the program has parameters.
Status ReadCombinedParams(const std::string& path, program::Program* program);
// From the files of a folder that carry the parameters' names.
Status ReadSeparateParams(const std::string& folder, program::Program* program);

// One record that fills all of `bytes`.
Result<program::Tensor> ReadTensorRecord(const program::Blob& bytes, std::string_view source);

// The records of all ParameterNames(program) in one file, or in a file each inside `folder`, which
// must exist. Fails before it writes when a parameter has no tensor, or a tensor no variable.
Status WriteCombinedParams(const program::Program& program, const std::string& path);
Status WriteSeparateParams(const program::Program& program, const std::string& folder);

}  // namespace skiff::formats
