// The file in which a measured search keeps its choices (docs/performance.md, "A measured search"):
//
//   skiff kernel cache 1
//   crc32 89abcdef                 of all that follows this line
//   machine AMD EPYC ...           CPU, instruction set and versions that the choices hold for
//   1 conv_int8_64_256_... conv_u7s8_4x16_avx2      threads, layer, kernel; and so on
//
// Thread-safety: pure functions of the file system; writers replace the file whole.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/status.h"

namespace skiff::formats {

struct KernelCache {
  std::string machine;                                         // one line
  std::map<std::pair<int, std::string>, std::string> kernels;  // (threads, layer) -> kernel
};

// NotFound when there is no such file; Corruption when it is damaged or of another version.
Result<KernelCache> ReadKernelCache(const std::string& path);
Status WriteKernelCache(const std::string& path, const KernelCache& cache);

}  // namespace skiff::formats
