// Reads a program file: .pdmodel or __model__, protobuf ProgramDesc (docs/formats.md).
//
// Lossless (program/program.h): fields that are not in the spec are kept as raw bytes. The input is
// not trusted: sizes, counts, names and block references are checked, and memory is bounded.
// Thread-safety: pure functions. Ownership: the Program copies what it needs from `bytes`.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/status.h"
#include "program/program.h"

namespace skiff::formats {

// The blocks, version and unknown fields of a Program without parameters. `source` names the file
// in messages: "inference.pdmodel: blocks[0].ops[12].attrs[3].type: value 99 is not an attribute
// type".
Result<program::Program> ReadProgram(std::span<const std::byte> bytes, std::string_view source);

}  // namespace skiff::formats
