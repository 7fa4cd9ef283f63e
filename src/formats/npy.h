// NumPy's .npy files as tensors: versions 1 to 3, little-endian, C order.
//
// Thread-safety: pure functions. Ownership: a tensor read views the mapped file where its data is
// aligned there (NumPy aligns it), else a copy.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "program/program.h"

namespace skiff::formats {

// float16/32/64, int8/16/32/64, uint8 and bool. Sizes in the file are checked, not trusted.
Result<program::Tensor> ReadNpy(const std::string& path);
// The same from bytes in memory; `source` names them in messages.
Result<program::Tensor> ParseNpy(const program::Blob& bytes, std::string_view source);

// Replaces the file at `path` whole. bfloat16, which NumPy lacks, is refused.
Status WriteNpy(const program::Tensor& tensor, const std::string& path);

}  // namespace skiff::formats
