// Copies an array into another memory order, by element size: what transpose, slice, concat, split,
// stack, expand and the like come down to.
//
// Thread-safe. dst and src do not overlap.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skiff::kernels {

struct StridedCopyArgs {
  static constexpr int kMaxRank = 8;
  int rank = 0;  // at least 1
  int64_t extent[kMaxRank] = {};
  // In elements. The innermost axis comes last.
  int64_t dst_stride[kMaxRank] = {};
  int64_t src_stride[kMaxRank] = {};
};

// REQUIRES: element_size is 1, 2, 4 or 8.
void StridedCopy(void* dst, const void* src, size_t element_size, const StridedCopyArgs& args);

}  // namespace skiff::kernels
