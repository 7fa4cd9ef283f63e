// The specification of the conversions, and the scalar rung.
#include <cmath>

#include "kernels/convert/convert_symbols.h"

namespace skiff::kernels {
namespace {

template <typename Code>
void Dequantize(float step, const Code* src, int64_t n, float* dst) {
  for (int64_t i = 0; i < n; ++i) dst[i] = static_cast<float>(src[i]) * step;
}

template <typename Code>
void Widen(const Code* src, int64_t n, int16_t* dst) {
  for (int64_t i = 0; i < n; ++i) dst[i] = src[i];
}

// In blocks that stay in L1 both ways.
template <typename T>
void Transpose(const void* src, int64_t src_stride, int64_t rows, int64_t columns, void* dst,
               int64_t dst_stride) {
  constexpr int64_t kBlock = 32;
  const T* from = static_cast<const T*>(src);
  T* to = static_cast<T*>(dst);
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    const int64_t r1 = r0 + kBlock < rows ? r0 + kBlock : rows;
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t r = r0; r < r1; ++r) to[c * dst_stride + r] = from[r * src_stride + c];
    }
  }
}

}  // namespace

void quantize_f32_scalar(const QuantizeParams& q, const float* src, int64_t n, void* dst) {
  for (int64_t i = 0; i < n; ++i) {
    const float y = src[i] * q.multiplier;
    const float low = y > q.lo ? y : q.lo;
    const float clamped = low < q.hi ? low : q.hi;
    const float code = q.half_away ? std::round(clamped) : std::nearbyint(clamped);
    // The low byte of the two's complement: u8 and s8 alike.
    static_cast<uint8_t*>(dst)[i] = static_cast<uint8_t>(static_cast<int32_t>(code));
  }
}

void dequantize_f32_scalar(float step, bool is_unsigned, const void* src, int64_t n, float* dst) {
  if (is_unsigned) {
    Dequantize(step, static_cast<const uint8_t*>(src), n, dst);
  } else {
    Dequantize(step, static_cast<const int8_t*>(src), n, dst);
  }
}

void widen_s16_scalar(bool is_unsigned, const void* src, int64_t n, int16_t* dst) {
  if (is_unsigned) {
    Widen(static_cast<const uint8_t*>(src), n, dst);
  } else {
    Widen(static_cast<const int8_t*>(src), n, dst);
  }
}

void transpose_x8_scalar(const void* src, int64_t src_stride, int64_t rows, int64_t columns,
                         void* dst, int64_t dst_stride) {
  Transpose<uint8_t>(src, src_stride, rows, columns, dst, dst_stride);
}
void transpose_x16_scalar(const void* src, int64_t src_stride, int64_t rows, int64_t columns,
                          void* dst, int64_t dst_stride) {
  Transpose<uint16_t>(src, src_stride, rows, columns, dst, dst_stride);
}
void transpose_x32_scalar(const void* src, int64_t src_stride, int64_t rows, int64_t columns,
                          void* dst, int64_t dst_stride) {
  Transpose<uint32_t>(src, src_stride, rows, columns, dst, dst_stride);
}
void transpose_x64_scalar(const void* src, int64_t src_stride, int64_t rows, int64_t columns,
                          void* dst, int64_t dst_stride) {
  Transpose<uint64_t>(src, src_stride, rows, columns, dst, dst_stride);
}

}  // namespace skiff::kernels
