// Conversions between f32 and codes, between layouts, and both at once.
//
// Kernels read at most 64 bytes past the end of a source and write nothing past the destination.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <span>

#include "base/isa.h"
#include "kernels/convert/convert_symbols.h"

namespace skiff::kernels {

template <typename Fn>
struct ConvertKernel {
  const char* name;
  Isa isa;
  int64_t element_bytes;  // of a transpose; 0 otherwise
  Fn run;
};

// The lists, best first.
std::span<const ConvertKernel<QuantizeFn>> QuantizeKernels();
std::span<const ConvertKernel<DequantizeFn>> DequantizeKernels();
std::span<const ConvertKernel<WidenFn>> WidenKernels();
std::span<const ConvertKernel<TransposeFn>> TransposeKernels();

// The best that may run under `isa`; never null, but for a transpose of elements of a size other
// than 1, 2, 4 or 8 bytes.
const ConvertKernel<QuantizeFn>* FindQuantize(Isa isa);
const ConvertKernel<DequantizeFn>* FindDequantize(Isa isa);
const ConvertKernel<WidenFn>* FindWiden(Isa isa);
const ConvertKernel<TransposeFn>* FindTranspose(int64_t element_bytes, Isa isa);

// [channels][plane] floats -> [pixel][channels] codes, for the pixels [begin, end) of the plane;
// `dst` is where pixel `begin` goes.
struct QuantizeTranspose {
  QuantizeFn quantize;
  TransposeFn transpose;  // of bytes
};
void QuantizeToNhwc(const QuantizeTranspose& fns, const QuantizeParams& params, const float* src,
                    int64_t channels, int64_t plane, int64_t begin, int64_t end, void* dst);

// [pixel][channels] codes -> [channels][plane] floats, for the pixels [begin, end).
struct DequantizeTranspose {
  DequantizeFn dequantize;
  TransposeFn transpose;
};
void DequantizeToNchw(const DequantizeTranspose& fns, float step, bool is_unsigned, const void* src,
                      int64_t channels, int64_t plane, int64_t begin, int64_t end, float* dst);

}  // namespace skiff::kernels
