// How the pooling kernels walk a window, for the files of one rung each. Internal linkage only.
#pragma once

#include <cstdint>

#include "kernels/inline.h"
#include "kernels/pool/pool_symbols.h"

namespace skiff::kernels {
namespace {

// Calls fn(pointer) at byte `offset` of every pixel of the window.
template <typename Fn>
SKIFF_INLINE void ForPixels(const PoolWindow& w, int64_t offset, const Fn& fn) {
  const char* row = static_cast<const char*>(w.src) + offset;
  for (int64_t y = 0; y < w.rows; ++y, row += w.row_stride) {
    const char* pixel = row;
    for (int64_t x = 0; x < w.columns; ++x, pixel += w.pixel_stride) fn(pixel);
  }
}

}  // namespace
}  // namespace skiff::kernels
