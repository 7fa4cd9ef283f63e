#include "kernels/conv/conv.h"

#include <algorithm>
#include <array>

#include "kernels/conv/conv_symbols.h"

namespace skiff::kernels {

std::span<const ConvKernel> ConvKernels() {
  static constexpr ConvKernel kKernels[] = {
#define SKIFF_CONV_KERNEL(symbol, rung, input, rows, channels, k_group, step_block, row_group, \
                          any_rows, pre_add)                                                   \
  {#symbol,    Isa::rung, ConvInput::input, rows,    channels, k_group,                        \
   step_block, row_group, any_rows,         pre_add, symbol},
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

// A block of steps that is mostly filled up with zeros wastes its multiply-adds. The kernels that
// have blocks are eight times as fast as the others.
bool FillsBlocks(const ConvKernel& kernel, int64_t tap_depth) {
  return kernel.step_block == 1 || 8 * tap_depth > int64_t{kernel.step_block} * kernel.k_group;
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

// Writes pointers as kernels want them: [tile][tap][row].
struct RowWriter {
  const ConvGeometry& g;
  const TapOffsets offsets;
  const int64_t taps;
  const int64_t tile_rows;
  const void** tile;
  int64_t row = 0;  // of the tile

  void Advance(int64_t rows) {
    row += rows;
    if (row < tile_rows) return;
    row = 0;
    tile += taps * tile_rows;
  }

  // `count` positions `step` bytes apart whose taps all lie in the picture; `first` is the first
  // tap of the first.
  void AddInner(const char* first, int64_t step, int64_t count) {
    while (count > 0) {
      const int64_t rows = std::min(count, tile_rows - row);
      const void** out = tile + row;
      for (int64_t tap = 0; tap < taps; ++tap, out += tile_rows) {
        const char* at = first + offsets[static_cast<size_t>(tap)];
        for (int64_t r = 0; r < rows; ++r, at += step) out[r] = at;
      }
      first += rows * step;
      count -= rows;
      Advance(rows);
    }
  }

  // A position whose first tap lies at (x0, y0), maybe outside of the picture.
  void AddAny(const char* image, const void* zeros, int64_t y0, int64_t x0) {
    const char* first = image + (y0 * g.in_w + x0) * g.pixel_bytes;
    const void** out = tile + row;
    size_t tap = 0;
    for (int64_t ky = 0; ky < g.taps_h; ++ky) {
      const int64_t y = y0 + ky * g.dilation_h;
      for (int64_t kx = 0; kx < g.taps_w; ++kx, ++tap, out += tile_rows) {
        const int64_t x = x0 + kx * g.dilation_w;
        const bool inside = y >= 0 && y < g.in_h && x >= 0 && x < g.in_w;
        *out = inside ? first + offsets[tap] : zeros;
      }
    }
    Advance(1);
  }
};

// The output positions of one axis whose taps all lie in the picture.
struct InnerRange {
  int64_t begin, end;

  InnerRange(int64_t taps, int64_t stride, int64_t dilation, int64_t pad, int64_t in, int64_t out)
      : begin((pad + stride - 1) / stride), end(0) {
    const int64_t last = in - 1 - (taps - 1) * dilation + pad;  // where a first tap may lie
    if (last >= 0) end = std::min(out, last / stride + 1);
  }
  [[nodiscard]] bool Has(int64_t position) const { return position >= begin && position < end; }
};

}  // namespace

void BuildConvRows(const ConvGeometry& g, const void* input, const void* zeros, int64_t begin,
                   int64_t end, int tile_rows, const void** rows) {
  const auto* src = static_cast<const char*>(input);
  if (IsPointwise(g)) {
    for (int64_t p = begin; p < end; ++p) *rows++ = src + p * g.pixel_bytes;
    return;
  }
  RowWriter writer = {g, OffsetsOf(g), g.taps_h * g.taps_w, tile_rows, rows};
  const InnerRange inner_y(g.taps_h, g.stride_h, g.dilation_h, g.pad_top, g.in_h, g.out_h);
  const InnerRange inner_x(g.taps_w, g.stride_w, g.dilation_w, g.pad_left, g.in_w, g.out_w);
  const int64_t step = g.stride_w * g.pixel_bytes;
  int64_t ox = begin % g.out_w;
  int64_t row = begin / g.out_w;  // counted through the images
  for (int64_t p = begin; p < end;) {
    const int64_t oy = row % g.out_h;
    const char* image = src + row / g.out_h * g.in_h * g.in_w * g.pixel_bytes;
    const int64_t y0 = oy * g.stride_h - g.pad_top;
    const int64_t x0 = ox * g.stride_w - g.pad_left;
    int64_t count = 1;
    if (inner_y.Has(oy) && inner_x.Has(ox)) {
      count = std::min(inner_x.end - ox, end - p);
      writer.AddInner(image + (y0 * g.in_w + x0) * g.pixel_bytes, step, count);
    } else {
      writer.AddAny(image, zeros, y0, x0);
    }
    p += count;
    ox += count;
    if (ox < g.out_w) continue;
    ox = 0;
    ++row;
  }
}

bool FindTileTaps(const ConvGeometry& g, int64_t begin, int64_t end, int64_t tile_rows,
                  ConvTaps* taps) {
  const InnerRange inner(g.taps_h, g.stride_h, g.dilation_h, g.pad_top, g.in_h, g.out_h);
  if (inner.begin <= 0 && inner.end >= g.out_h) return false;
  bool lacks = false;
  for (int64_t p = begin; p < end; p += tile_rows, ++taps) {
    const int64_t first = p / g.out_w;
    const int64_t last = (std::min(p + tile_rows, end) - 1) / g.out_w;
    int64_t from = 0;
    int64_t to = g.taps_h;
    if (first / g.out_h == last / g.out_h) {
      // Lower positions of the output find higher rows of taps above the picture.
      const int64_t lowest = last % g.out_h * g.stride_h - g.pad_top;
      const int64_t highest = first % g.out_h * g.stride_h - g.pad_top;
      while (from < to && lowest + from * g.dilation_h < 0) ++from;
      while (to > from && highest + (to - 1) * g.dilation_h >= g.in_h) --to;
      if (from == to) from = 0, to = 1;
    }
    lacks |= to - from < g.taps_h;
    *taps = {static_cast<int32_t>(from * g.taps_w), static_cast<int32_t>(to * g.taps_w)};
  }
  return lacks;
}

}  // namespace skiff::kernels
