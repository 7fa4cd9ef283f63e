// Making Blobs and Tensors: aligned copies of bytes.
//
// Thread-safety: pure functions. Ownership: the Blob keeps its copy alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "program/program.h"

namespace skiff::program {

inline constexpr size_t kBlobAlignment = AlignedBuffer::kAlignment;

// A copy of `bytes` on a 64-byte boundary.
Blob CopyToBlob(std::span<const std::byte> bytes);

// A tensor with a copy of `data`. REQUIRES: SizeOf(dtype) == sizeof(T), as many elements as dims
// say.
template <typename T>
Tensor MakeTensor(DType dtype, std::vector<int64_t> dims, std::span<const T> data) {
  return {dtype, std::move(dims), {}, CopyToBlob(std::as_bytes(data))};
}

// float32 with the values of a float16 or bfloat16 tensor; any other tensor as it is.
Tensor Widened(const Tensor& tensor);

}  // namespace skiff::program
