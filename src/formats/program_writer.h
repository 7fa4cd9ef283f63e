// Writes a Program as ProgramDesc, the bytes of .pdmodel or __model__ (docs/formats.md).
//
// A file that Paddle wrote and ReadProgram read comes back byte for byte. Files of other writers
// come back as the same model, with fields in ascending order and lists unpacked.
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "base/status.h"
#include "program/program.h"

namespace skiff::formats {

// Fails when an attribute holds a value of another type than it says.
Result<std::string> SerializeProgram(const program::Program& program);

// Replaces the file at `path` whole.
Status WriteProgram(const program::Program& program, const std::string& path);

}  // namespace skiff::formats
