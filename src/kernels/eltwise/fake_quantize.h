// Paddle's fake quantisation in float: the values of its CPU kernels, bit for bit.
//
// An array is seen as [outer, channels, inner]; a per-tensor scale is channels = 1. Equal bytes on
// every rung. dst may be src. Thread-safe.
#pragma once

#include <cstdint>

namespace skiff {
enum class Isa;
}

namespace skiff::kernels {

enum class FakeQuantize {
  kQuantizeHalfEven,  // to -(bound + 1) .. bound
  kQuantizeHalfAway,  // to -bound .. bound
  kQuantizeDequantizeHalfEven,
  kQuantizeDequantizeHalfAway,
  kDequantize,       // x * scale / bound
  kDequantizeTwice,  // x * scale * scale2 / bound
};

struct FakeQuantizeRows {
  // Rows of `cols` neighbours that share one scale (scale_step 0) or have one each (scale_step 1).
  // Row r reads from scale[(first + r) % channels * scale_row] on.
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t first = 0;
  int64_t channels = 1;
  int64_t scale_row = 0;
  int64_t scale_step = 0;
  const float* scale = nullptr;  // range limits, not steps
  float scale2 = 1;
  float bound = 127;
};

using FakeQuantizeKernel = void (*)(float* dst, const float* src, const FakeQuantizeRows& shape);
FakeQuantizeKernel SelectFakeQuantize(Isa isa, FakeQuantize mode);

// The greatest |x| of n values; NaNs are passed over.
using AbsMaxKernel = float (*)(const float* src, int64_t n);
AbsMaxKernel SelectAbsMax(Isa isa);

}  // namespace skiff::kernels
