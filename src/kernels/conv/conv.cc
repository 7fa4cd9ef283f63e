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

// Writes pointers as kernels want them: [tile][tap][row].
class RowBuilder {
 public:
  RowBuilder(const ConvGeometry& geometry, const void* input, const void* zeros, int64_t tile_rows)
      : g_(geometry),
        input_(reinterpret_cast<uintptr_t>(input)),
        zeros_(zeros),
        tile_rows_(tile_rows),
        taps_(geometry.taps_h * geometry.taps_w),
        offsets_(OffsetsOf(geometry)),
        inner_y_(g_.taps_h, g_.stride_h, g_.dilation_h, g_.pad_top, g_.in_h, g_.out_h),
        inner_x_(g_.taps_w, g_.stride_w, g_.dilation_w, g_.pad_left, g_.in_w, g_.out_w) {}

  // First as if all taps lay in the picture, then those that do not: few do not, and loops without
  // conditions take several pointers at a time.
  void Build(int64_t begin, int64_t end, const void** rows) {
    ForRows(begin, end, [&](int64_t at, int64_t row, int64_t ox, int64_t count) {
      const uintptr_t first = FirstTap(row, ox);
      const auto step = static_cast<uintptr_t>(g_.stride_w * g_.pixel_bytes);
      for (int64_t i = 0; i < count; ++i) {
        firsts_[static_cast<size_t>(at + i)] = first + static_cast<uintptr_t>(i) * step;
      }
    });
    switch (tile_rows_) {
      case 4: WriteTiles<4>(end - begin, rows); break;
      case 6: WriteTiles<6>(end - begin, rows); break;
      case 12: WriteTiles<12>(end - begin, rows); break;
      default: WriteTiles<0>(end - begin, rows); break;
    }
    ForRows(begin, end, [&](int64_t at, int64_t row, int64_t ox, int64_t count) {
      const int64_t oy = row % g_.out_h;
      const bool inner = inner_y_.Has(oy);
      for (int64_t x = ox; x < ox + count; ++x) {
        if (inner && x == std::max(ox, inner_x_.begin)) x = std::max(x, inner_x_.end);
        if (x < ox + count) Pad(at + x - ox, oy, x, rows);
      }
    });
  }

  // The most positions that are built at a time.
  [[nodiscard]] int64_t most() const { return kMost / tile_rows_ * tile_rows_; }

 private:
  static constexpr int64_t kMost = 384;

  // Calls run(position from `begin`, output row counted through the images, column, positions) for
  // the part of each output row that lies in [begin, end).
  template <typename Run>
  void ForRows(int64_t begin, int64_t end, Run run) const {
    int64_t row = begin / g_.out_w;
    int64_t ox = begin % g_.out_w;
    for (int64_t p = begin; p < end; ++row, ox = 0) {
      const int64_t count = std::min(g_.out_w - ox, end - p);
      run(p - begin, row, ox, count);
      p += count;
    }
  }

  // Where a position's first tap lies, or would lie if the picture went on.
  [[nodiscard]] uintptr_t FirstTap(int64_t row, int64_t ox) const {
    const int64_t y = row / g_.out_h * g_.in_h + row % g_.out_h * g_.stride_h - g_.pad_top;
    const int64_t x = ox * g_.stride_w - g_.pad_left;
    return input_ + static_cast<uintptr_t>((y * g_.in_w + x) * g_.pixel_bytes);
  }

  // kRows: the rows of a tile; 0: any.
  template <int kRows>
  void WriteTiles(int64_t positions, const void** rows) const {
    const int64_t tile_rows = kRows != 0 ? kRows : tile_rows_;
    for (int64_t p = 0; p < positions; p += tile_rows) {
      for (int64_t tap = 0; tap < taps_; ++tap, rows += tile_rows) {
        const auto offset = static_cast<uintptr_t>(offsets_[static_cast<size_t>(tap)]);
        for (int64_t r = 0; r < tile_rows; ++r) {
          rows[r] = reinterpret_cast<const void*>(firsts_[static_cast<size_t>(p + r)] + offset);
        }
      }
    }
  }

  // The taps of the position (oy, ox) that lie outside of the picture.
  void Pad(int64_t position, int64_t oy, int64_t ox, const void** rows) const {
    const int64_t y0 = oy * g_.stride_h - g_.pad_top;
    const int64_t x0 = ox * g_.stride_w - g_.pad_left;
    const void** out = rows + position / tile_rows_ * taps_ * tile_rows_ + position % tile_rows_;
    for (int64_t ky = 0; ky < g_.taps_h; ++ky) {
      const int64_t y = y0 + ky * g_.dilation_h;
      for (int64_t kx = 0; kx < g_.taps_w; ++kx, out += tile_rows_) {
        const int64_t x = x0 + kx * g_.dilation_w;
        if (y < 0 || y >= g_.in_h || x < 0 || x >= g_.in_w) *out = zeros_;
      }
    }
  }

  const ConvGeometry& g_;
  const uintptr_t input_;
  const void* const zeros_;
  const int64_t tile_rows_;
  const int64_t taps_;
  const TapOffsets offsets_;
  const InnerRange inner_y_;
  const InnerRange inner_x_;
  std::array<uintptr_t, kMost + kMaxConvRows> firsts_ = {};  // rows that are missing too
};

}  // namespace

void BuildConvRows(const ConvGeometry& g, const void* input, const void* zeros, int64_t begin,
                   int64_t end, int tile_rows, const void** rows) {
  if (IsPointwise(g)) {
    const auto* src = static_cast<const char*>(input);
    for (int64_t p = begin; p < end; ++p) *rows++ = src + p * g.pixel_bytes;
    return;
  }
  RowBuilder builder(g, input, zeros, tile_rows);
  for (int64_t at = begin; at < end; at += builder.most()) {
    builder.Build(at, std::min(at + builder.most(), end), rows);
    rows += builder.most() * g.taps_h * g.taps_w;
  }
}

bool FindTileTaps(const ConvGeometry& g, int64_t begin, int64_t end, int64_t tile_rows,
                  ConvTaps* taps) {
  const InnerRange inner(g.taps_h, g.stride_h, g.dilation_h, g.pad_top, g.in_h, g.out_h);
  if (inner.begin <= 0 && inner.end >= g.out_h) return false;
  bool lacks = false;
  int64_t ox = begin % g.out_w;
  int64_t oy = begin / g.out_w % g.out_h;
  for (int64_t p = begin; p < end; p += tile_rows, ++taps) {
    const int64_t first = oy;
    for (ox += std::min(tile_rows, end - p); ox > g.out_w; ox -= g.out_w) ++oy;
    const int64_t last = oy;
    if (ox == g.out_w) ox = 0, ++oy;
    while (oy >= g.out_h) oy -= g.out_h;
    int64_t from = 0;
    int64_t to = g.taps_h;
    if (!(inner.Has(first) && inner.Has(last)) && last < g.out_h) {
      // Lower positions of the output find higher rows of taps above the picture.
      const int64_t lowest = last * g.stride_h - g.pad_top;
      const int64_t highest = first * g.stride_h - g.pad_top;
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
