// The row loop of binary kernels, and binary.inc, for one rung (rung.h).
#include "kernels/eltwise/binary.h"
#include "kernels/eltwise/rung.h"

namespace skiff::kernels::SKIFF_RUNG {
namespace binary {

template <typename R, typename T, typename Fn>
static void Row(R* dst, const T* a, const T* b, const BinaryRows& s, Fn f) {
  if (s.a_col == 1 && s.b_col == 1) {
    SKIFF_INDEPENDENT
    for (int64_t c = 0; c < s.cols; ++c) dst[c] = f(a[c], b[c]);
  } else if (s.a_col == 1 && s.b_col == 0) {
    const T y = *b;
    SKIFF_INDEPENDENT
    for (int64_t c = 0; c < s.cols; ++c) dst[c] = f(a[c], y);
  } else if (s.a_col == 0 && s.b_col == 1) {
    const T x = *a;
    SKIFF_INDEPENDENT
    for (int64_t c = 0; c < s.cols; ++c) dst[c] = f(x, b[c]);
  } else {
    for (int64_t c = 0; c < s.cols; ++c) dst[c] = f(a[c * s.a_col], b[c * s.b_col]);
  }
}

template <typename R, typename T, typename Fn>
static void Rows(void* dst, const void* a, const void* b, const BinaryRows& s, Fn f) {
  for (int64_t r = 0; r < s.rows; ++r) {
    Row(static_cast<R*>(dst) + r * s.cols, static_cast<const T*>(a) + r * s.a_row,
        static_cast<const T*>(b) + r * s.b_row, s, f);
  }
}

#define SKIFF_BINARY(name, value)                                                           \
  static void Run##name(void* dst, const void* a, const void* b, const BinaryRows& shape) { \
    Rows<float, float>(dst, a, b, shape, [](float x, float y) { return value; });           \
  }
#include "kernels/eltwise/binary.inc"
#undef SKIFF_BINARY

}  // namespace binary

// Null for the operators that binary.inc does not list.
BinaryKernel Binary(BinaryOp op) {
  switch (op) {
#define SKIFF_BINARY(name, value) \
  case BinaryOp::k##name:         \
    return binary::Run##name;
#include "kernels/eltwise/binary.inc"
#undef SKIFF_BINARY
    default: return nullptr;
  }
}

}  // namespace skiff::kernels::SKIFF_RUNG
