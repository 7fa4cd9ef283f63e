#include "kernels/eltwise/strided_copy.h"

#include <algorithm>
#include <cstring>

namespace skiff::kernels {
namespace {

// The innermost two axes, in tiles so that both sides stay in the cache when one of them jumps.
template <typename T>
void CopyPlane(T* dst, const T* src, const StridedCopyArgs& a) {
  constexpr int64_t kTile = 16;
  const int inner = a.rank - 1;
  const int outer = a.rank - 2;
  const int64_t rows = a.extent[outer];
  const int64_t cols = a.extent[inner];
  for (int64_t r0 = 0; r0 < rows; r0 += kTile) {
    const int64_t r1 = std::min(rows, r0 + kTile);
    for (int64_t c0 = 0; c0 < cols; c0 += kTile) {
      const int64_t c1 = std::min(cols, c0 + kTile);
      for (int64_t r = r0; r < r1; ++r) {
        T* d = dst + r * a.dst_stride[outer];
        const T* s = src + r * a.src_stride[outer];
        for (int64_t c = c0; c < c1; ++c) d[c * a.dst_stride[inner]] = s[c * a.src_stride[inner]];
      }
    }
  }
}

template <typename T>
void CopyRow(T* dst, const T* src, const StridedCopyArgs& a, int axis) {
  const int64_t n = a.extent[axis];
  const int64_t ds = a.dst_stride[axis];
  const int64_t ss = a.src_stride[axis];
  if (ds == 1 && ss == 1) {
    std::memcpy(dst, src, static_cast<size_t>(n) * sizeof(T));
  } else if (ds == 1 && ss == 0) {
    std::fill_n(dst, n, *src);
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i * ds] = src[i * ss];
  }
}

template <typename T>
void Copy(T* dst, const T* src, const StridedCopyArgs& a, int axis) {
  const bool last = axis == a.rank - 1;
  if (last) return CopyRow(dst, src, a, axis);
  const bool unit_rows =
      a.dst_stride[axis + 1] == 1 && a.src_stride[axis + 1] <= 1 && a.src_stride[axis + 1] >= 0;
  if (axis == a.rank - 2 && !unit_rows) return CopyPlane(dst, src, a);
  for (int64_t i = 0; i < a.extent[axis]; ++i) {
    Copy(dst + i * a.dst_stride[axis], src + i * a.src_stride[axis], a, axis + 1);
  }
}

template <typename T>
void Copy(void* dst, const void* src, const StridedCopyArgs& args) {
  Copy(static_cast<T*>(dst), static_cast<const T*>(src), args, 0);
}

}  // namespace

void StridedCopy(void* dst, const void* src, size_t element_size, const StridedCopyArgs& args) {
  for (int i = 0; i < args.rank; ++i) {
    if (args.extent[i] == 0) return;
  }
  switch (element_size) {
    case 1: return Copy<uint8_t>(dst, src, args);
    case 2: return Copy<uint16_t>(dst, src, args);
    case 4: return Copy<uint32_t>(dst, src, args);
    case 8: return Copy<uint64_t>(dst, src, args);
    default: return;
  }
}

}  // namespace skiff::kernels
