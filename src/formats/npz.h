// NumPy's .npz files, as np.savez and np.savez_compressed write them: a zip archive of .npy files,
// stored or deflated.
//
// Sizes in the file are checked, not trusted. Thread-safety: pure functions. Ownership: tensors
// that are stored view the mapped file where they are aligned there.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "program/program.h"

namespace skiff::formats {

// Names without ".npy", in the order of the file.
using NamedTensors = std::vector<std::pair<std::string, program::Tensor>>;

Result<NamedTensors> ReadNpz(const std::string& path);
// The same from bytes in memory; `source` names them in messages.
Result<NamedTensors> ParseNpz(const program::Blob& bytes, std::string_view source);

}  // namespace skiff::formats
