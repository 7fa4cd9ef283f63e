// What a model file may hold at most; more is an error, not an allocation.
#pragma once

#include <cstddef>

namespace skiff::formats {

inline constexpr size_t kMaxProgramBytes = size_t{256} << 20;
// Of the decoded form of a program. Small messages take more memory than bytes in the file, and a
// growing vector is copied once more, so the peak may be three times this.
inline constexpr size_t kMaxDecodedBytes = size_t{256} << 20;
inline constexpr size_t kMaxParamsBytes = size_t{64} << 30;
inline constexpr size_t kMaxTextBytes = size_t{64} << 20;
inline constexpr size_t kMaxNameBytes = 4096;
inline constexpr size_t kMaxBlocks = 4096;
inline constexpr size_t kMaxRank = 8;
inline constexpr size_t kMaxLodLevels = 8;

}  // namespace skiff::formats
