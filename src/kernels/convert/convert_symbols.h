// Function types and parameters of the conversion kernels, and their declarations. Plain data, read
// by all rungs.
#pragma once

#include <cstdint>

namespace skiff::kernels {

// code = round(clamp(x * multiplier, lo, hi)), NaN becoming lo.
struct QuantizeParams {
  float multiplier = 1;
  float lo = 0;
  float hi = 127;
  bool half_away = false;
};

// n contiguous elements. The codes are bytes, u8 or s8 as lo and hi say.
using QuantizeFn = void (*)(const QuantizeParams& params, const float* src, int64_t n, void* dst);
// dst = code * step.
using DequantizeFn = void (*)(float step, bool is_unsigned, const void* src, int64_t n, float* dst);
// Codes as s16.
using WidenFn = void (*)(bool is_unsigned, const void* src, int64_t n, int16_t* dst);
// dst[c][r] = src[r][c]; strides in elements.
using TransposeFn = void (*)(const void* src, int64_t src_stride, int64_t rows, int64_t columns,
                             void* dst, int64_t dst_stride);

#define SKIFF_QUANTIZE(symbol, rung) \
  void symbol(const QuantizeParams& params, const float* src, int64_t n, void* dst);
#define SKIFF_DEQUANTIZE(symbol, rung) \
  void symbol(float step, bool is_unsigned, const void* src, int64_t n, float* dst);
#define SKIFF_WIDEN(symbol, rung) \
  void symbol(bool is_unsigned, const void* src, int64_t n, int16_t* dst);
#define SKIFF_TRANSPOSE(symbol, rung, bytes)                                                 \
  void symbol(const void* src, int64_t src_stride, int64_t rows, int64_t columns, void* dst, \
              int64_t dst_stride);
#include "kernels/convert/convert_kernels.inc"
#undef SKIFF_QUANTIZE
#undef SKIFF_DEQUANTIZE
#undef SKIFF_WIDEN
#undef SKIFF_TRANSPOSE

}  // namespace skiff::kernels
