#include "kernels/conv/conv.h"

#include <algorithm>

#include "kernels/conv/conv_symbols.h"

namespace skiff::kernels {

std::span<const ConvKernel> ConvKernels() {
  static constexpr ConvKernel kKernels[] = {
#define SKIFF_CONV_KERNEL(symbol, rung, input, rows, channels, k_group, pre_add) \
  {#symbol, Isa::rung, ConvInput::input, rows, channels, k_group, pre_add, symbol},
#include "kernels/conv/conv_kernels.inc"
#undef SKIFF_CONV_KERNEL
  };
  return kKernels;
}

const ConvKernel* FindConvKernel(ConvInput input, Isa isa) {
  const std::span<const ConvKernel> kernels = ConvKernels();
  return &*std::find_if(kernels.begin(), kernels.end(), [&](const ConvKernel& kernel) {
    return kernel.input == input && Allows(isa, kernel.isa);
  });
}

void BuildConvRows(const ConvGeometry& g, const void* input, const void* zeros, int64_t begin,
                   int64_t end, int tile_rows, const void** rows) {
  const auto* src = static_cast<const char*>(input);
  const int64_t row_bytes = g.in_w * g.pixel_bytes;
  const int64_t taps = g.taps_h * g.taps_w;
  int64_t ox = begin % g.out_w;
  int64_t oy = begin / g.out_w % g.out_h;
  const char* image = src + begin / (g.out_w * g.out_h) * g.in_h * row_bytes;
  for (int64_t p = begin; p < end; ++p) {
    const int64_t at = p - begin;
    const void** out = rows + at / tile_rows * taps * tile_rows + at % tile_rows;
    const int64_t x0 = ox * g.stride_w - g.pad_left;
    for (int64_t ky = 0; ky < g.taps_h; ++ky) {
      const int64_t iy = oy * g.stride_h - g.pad_top + ky * g.dilation_h;
      const bool inside = iy >= 0 && iy < g.in_h;
      const char* row = image + iy * row_bytes;
      for (int64_t kx = 0; kx < g.taps_w; ++kx, out += tile_rows) {
        const int64_t ix = x0 + kx * g.dilation_w;
        *out = inside && ix >= 0 && ix < g.in_w ? row + ix * g.pixel_bytes : zeros;
      }
    }
    if (++ox < g.out_w) continue;
    ox = 0;
    if (++oy < g.out_h) continue;
    oy = 0;
    image += g.in_h * row_bytes;
  }
}

}  // namespace skiff::kernels
