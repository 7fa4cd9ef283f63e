#include "kernels/conv/conv.h"

#include <algorithm>
#include <array>

#include "kernels/conv/conv_symbols.h"

namespace skiff::kernels {

std::span<const ConvKernel> ConvKernels() {
  static constexpr ConvKernel kKernels[] = {
#define SKIFF_CONV_KERNEL(symbol, rung, input, rows, channels, k_group, step_block, row_group, \
                          pre_add)                                                             \
  {#symbol, Isa::rung,  ConvInput::input, rows,    channels,                                   \
   k_group, step_block, row_group,        pre_add, symbol},
#include "kernels/conv/conv_kernels.inc"
#undef SKIFF_CONV_KERNEL
  };
  return kKernels;
}

namespace {

bool Reads(ConvInput input, const ConvNeed& need) {
  switch (input) {
    case ConvInput::kU7: return need.is_unsigned && need.max_code <= 127;
    case ConvInput::kU8: return need.is_unsigned;
    case ConvInput::kS8: return !need.is_unsigned;
    case ConvInput::kS16: return true;
  }
  return false;
}

// A block of steps that is mostly filled up with zeros wastes its multiply-adds.
bool FillsBlocks(const ConvKernel& kernel, int64_t tap_depth) {
  return kernel.step_block == 1 || 2 * tap_depth >= int64_t{kernel.step_block} * kernel.k_group;
}

bool Fits(const ConvKernel& kernel, const ConvNeed& need, Isa isa) {
  return Reads(kernel.input, need) && Allows(isa, kernel.isa) &&
         FillsBlocks(kernel, need.tap_depth) && (need.may_pre_add || !kernel.pre_add);
}

}  // namespace

const ConvKernel* FindConvKernel(const ConvNeed& need, Isa isa) {
  return FindConvKernels(need, isa).front();
}

std::vector<const ConvKernel*> FindConvKernels(const ConvNeed& need, Isa isa) {
  std::vector<const ConvKernel*> found;
  for (const ConvKernel& kernel : ConvKernels()) {
    if (!Fits(kernel, need, isa)) continue;
    if (kernel.isa == Isa::kScalar && isa != Isa::kScalar && !found.empty()) continue;
    found.push_back(&kernel);
  }
  return found;
}

bool IsPointwise(const ConvGeometry& g) {
  return g.taps_h * g.taps_w * g.stride_h * g.stride_w == 1 && g.pad_top == 0 && g.pad_left == 0 &&
         g.out_h == g.in_h && g.out_w == g.in_w;
}

namespace {

// From a position's first tap to each of them, in bytes.
using TapOffsets = std::array<int64_t, kMaxConvTaps>;

TapOffsets OffsetsOf(const ConvGeometry& g) {
  TapOffsets offsets;
  size_t tap = 0;
  for (int64_t ky = 0; ky < g.taps_h; ++ky) {
    for (int64_t kx = 0; kx < g.taps_w; ++kx) {
      offsets[tap++] = (ky * g.dilation_h * g.in_w + kx * g.dilation_w) * g.pixel_bytes;
    }
  }
  return offsets;
}

// The pointers of a position whose first tap is `first` and whose taps all lie in the picture.
inline void BuildInner(const TapOffsets& offsets, size_t taps, const char* first, int64_t step,
                       const void** out) {
  for (size_t tap = 0; tap < taps; ++tap, out += step) *out = first + offsets[tap];
}

// The pointers of any position, `step` apart. (x0, y0) is where its first tap lies.
void BuildOne(const ConvGeometry& g, const TapOffsets& offsets, const char* image,
              const void* zeros, int64_t y0, int64_t x0, int64_t step, const void** out) {
  const char* first = image + (y0 * g.in_w + x0) * g.pixel_bytes;
  const auto inside = [](int64_t at, int64_t reach, int64_t extent) {
    return at >= 0 && at + reach < extent;
  };
  const bool inside_y = inside(y0, (g.taps_h - 1) * g.dilation_h, g.in_h);
  const bool inside_x = inside(x0, (g.taps_w - 1) * g.dilation_w, g.in_w);
  const auto taps = static_cast<size_t>(g.taps_h * g.taps_w);
  if (inside_y && inside_x) return BuildInner(offsets, taps, first, step, out);
  size_t tap = 0;
  for (int64_t ky = 0; ky < g.taps_h; ++ky) {
    const bool row = inside(y0 + ky * g.dilation_h, 0, g.in_h);
    for (int64_t kx = 0; kx < g.taps_w; ++kx, ++tap, out += step) {
      const bool pixel = row && (inside_x || inside(x0 + kx * g.dilation_w, 0, g.in_w));
      *out = pixel ? first + offsets[tap] : zeros;
    }
  }
}

}  // namespace

void BuildConvRows(const ConvGeometry& g, const void* input, const void* zeros, int64_t begin,
                   int64_t end, int tile_rows, const void** rows) {
  const auto* src = static_cast<const char*>(input);
  if (IsPointwise(g)) {
    for (int64_t p = begin; p < end; ++p) *rows++ = src + p * g.pixel_bytes;
    return;
  }
  const TapOffsets offsets = OffsetsOf(g);
  const int64_t image_bytes = g.in_h * g.in_w * g.pixel_bytes;
  const int64_t tile_pointers = g.taps_h * g.taps_w * tile_rows;
  int64_t ox = begin % g.out_w;
  int64_t oy = begin / g.out_w % g.out_h;
  const char* image = src + begin / (g.out_w * g.out_h) * image_bytes;
  int row_of_tile = 0;
  // Where the padding is written out no window leaves the picture.
  const bool padded = g.pad_top != 0 || g.pad_left != 0 ||
                      (g.out_h - 1) * g.stride_h + (g.taps_h - 1) * g.dilation_h >= g.in_h ||
                      (g.out_w - 1) * g.stride_w + (g.taps_w - 1) * g.dilation_w >= g.in_w;
  const auto taps = static_cast<size_t>(g.taps_h * g.taps_w);
  for (int64_t p = begin; p < end; ++p) {
    if (!padded) {
      const char* first = image + (oy * g.stride_h * g.in_w + ox * g.stride_w) * g.pixel_bytes;
      BuildInner(offsets, taps, first, tile_rows, rows + row_of_tile);
    } else {
      BuildOne(g, offsets, image, zeros, oy * g.stride_h - g.pad_top, ox * g.stride_w - g.pad_left,
               tile_rows, rows + row_of_tile);
    }
    if (++row_of_tile == tile_rows) {
      row_of_tile = 0;
      rows += tile_pointers;
    }
    if (++ox < g.out_w) continue;
    ox = 0;
    if (++oy < g.out_h) continue;
    oy = 0;
    image += image_bytes;
  }
}

}  // namespace skiff::kernels
