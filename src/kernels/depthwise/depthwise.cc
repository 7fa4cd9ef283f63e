#include "kernels/depthwise/depthwise.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace skiff::kernels {
namespace {

// At most three slots of a group of four are without a tap, in every column of the last band.
constexpr int64_t kMaxSlots = 4 * kMaxConvTaps;

std::vector<TapSlot> TapSlots(int64_t rows, int64_t columns, int group) {
  std::vector<TapSlot> slots;
  const auto add = [&](int64_t row, int64_t column) {
    const bool inside = row < rows && column < columns;
    slots.push_back({inside ? static_cast<int32_t>(row) : -1, static_cast<int32_t>(column)});
  };
  for (int64_t band = 0; band < rows; band += group) {
    const bool along_row = band + 1 == rows;
    for (int64_t x = 0; x < columns; x += along_row ? group : 1) {
      for (int i = 0; i < group; ++i) add(along_row ? band : band + i, along_row ? x + i : x);
    }
  }
  return slots;
}

// Calls fn(channel) for every channel in the order of the packed weights; those past the last are
// there too.
template <typename Fn>
void ForChannels(const DepthwiseKernel& kernel, int64_t block, const Fn& fn) {
  for (int64_t part = 0; part < kernel.group; ++part) {
    for (int64_t lane = 0; lane < kernel.block / (kernel.group * kernel.run); ++lane) {
      for (int64_t i = 0; i < kernel.run; ++i) {
        fn(block * kernel.block + (kernel.group * lane + part) * kernel.run + i);
      }
    }
  }
}

struct Filter {
  const int8_t* weights;
  int64_t channels, rows, columns;

  [[nodiscard]] const int8_t* Of(int64_t c) const { return weights + c * rows * columns; }
  [[nodiscard]] int64_t Blocks(const DepthwiseKernel& kernel) const {
    return (channels + kernel.block - 1) / kernel.block;
  }
};

template <typename W>
void PackWeights(const DepthwiseKernel& kernel, const Filter& filter,
                 std::span<const TapSlot> slots, W* dst) {
  const auto group = static_cast<size_t>(kernel.group);
  for (int64_t block = 0; block < filter.Blocks(kernel); ++block) {
    for (size_t slot = 0; slot < slots.size(); slot += group) {
      ForChannels(kernel, block, [&](int64_t c) {
        for (const TapSlot& s : slots.subspan(slot, group)) {
          const bool exists = c < filter.channels && s.row >= 0;
          *dst++ = exists ? W{filter.Of(c)[s.row * filter.columns + s.column]} : W{0};
        }
      });
    }
  }
}

void PackStart(const DepthwiseKernel& kernel, const Filter& filter, int32_t* dst) {
  for (int64_t block = 0; block < filter.Blocks(kernel); ++block) {
    ForChannels(kernel, block, [&](int64_t c) {
      const int8_t* w = filter.Of(c);
      const bool exists = c < filter.channels;
      *dst++ = exists ? -128 * std::accumulate(w, w + filter.rows * filter.columns, 0) : 0;
    });
  }
}

// The taps of an output row: pointers at a position whose first tap is input column `x`.
class RowTaps {
 public:
  RowTaps(const DepthwiseRun& run, int64_t row) : run_(run), g_(run.geometry) {
    const int64_t oy = row % g_.out_h;
    row_bytes_ = g_.in_w * g_.pixel_bytes;
    image_ = static_cast<const char*>(run.input) + row / g_.out_h * g_.in_h * row_bytes_;
    first_y_ = oy * g_.stride_h - g_.pad_top;
  }

  [[nodiscard]] bool HasInput(int64_t tap_row) const {
    const int64_t iy = first_y_ + tap_row * g_.dilation_h;
    return iy >= 0 && iy < g_.in_h;
  }

  void Set(int64_t x, const void** taps) const {
    for (const TapSlot& slot : run_.packed->slots) {
      const int64_t iy = first_y_ + slot.row * g_.dilation_h;
      const int64_t ix = x + slot.column * g_.dilation_w;
      const bool inside_y = iy >= 0 && iy < g_.in_h;
      const char* row = inside_y ? image_ + iy * row_bytes_ : static_cast<const char*>(run_.zeros);
      const bool inside_x = slot.row >= 0 && ix >= 0 && ix < g_.in_w;
      *taps++ = inside_x ? row + ix * g_.pixel_bytes : run_.zeros;
    }
  }

 private:
  const DepthwiseRun& run_;
  const ConvGeometry& g_;
  int64_t row_bytes_;
  const char* image_;
  int64_t first_y_;
};

}  // namespace

std::span<const DepthwiseKernel> DepthwiseKernels() {
  static constexpr DepthwiseKernel kKernels[] = {
#define SKIFF_DEPTHWISE(symbol, rung, input, block, run, group, bytes) \
  {#symbol, Isa::rung, DepthwiseInput::input, block, run, group, bytes, symbol},
#include "kernels/depthwise/depthwise_kernels.inc"
#undef SKIFF_DEPTHWISE
  };
  return kKernels;
}

const DepthwiseKernel* FindDepthwiseKernel(DepthwiseInput input, Isa isa) {
  const std::span<const DepthwiseKernel> kernels = DepthwiseKernels();
  return &*std::find_if(kernels.begin(), kernels.end(), [&](const DepthwiseKernel& kernel) {
    return kernel.input == input && Allows(isa, kernel.isa);
  });
}

PackedDepthwise PackDepthwise(const DepthwiseKernel& kernel, int64_t channels, int64_t rows,
                              int64_t columns, const int8_t* filter) {
  PackedDepthwise packed;
  packed.slots = TapSlots(rows, columns, kernel.group);
  const Filter weights = {filter, channels, rows, columns};
  const int64_t padded = weights.Blocks(kernel) * kernel.block;
  const int64_t elements = padded * static_cast<int64_t>(packed.slots.size());
  packed.weights = AlignedBuffer::ForWeights(static_cast<size_t>(elements * kernel.weight_bytes));
  if (kernel.weight_bytes == 1) {
    PackWeights(kernel, weights, packed.slots, packed.weights.As<int8_t>());
  } else {
    PackWeights(kernel, weights, packed.slots, packed.weights.As<int16_t>());
  }
  if (kernel.weight_bytes == 1 && kernel.input == DepthwiseInput::kS8) {
    packed.start = AlignedBuffer(static_cast<size_t>(padded) * sizeof(int32_t));
    PackStart(kernel, weights, packed.start.As<int32_t>());
  }
  return packed;
}

void RunDepthwiseRow(const DepthwiseRun& run, int64_t row) {
  const ConvGeometry& g = run.geometry;
  const RowTaps row_taps(run, row);
  std::array<const void*, kMaxSlots> taps;
  DepthwiseTile tile;
  tile.taps = taps.data();
  tile.groups = static_cast<int64_t>(run.packed->slots.size()) / run.kernel->group;
  tile.position_step = g.stride_w * g.pixel_bytes;
  tile.channels = run.channels;
  tile.weights = run.packed->weights.As();
  if (run.packed->start.size() != 0) tile.start = run.packed->start.As<int32_t>();
  tile.rows = g.taps_h;
  tile.columns = g.taps_w;
  tile.row_end = g.taps_h;
  while (tile.row_begin < tile.row_end && !row_taps.HasInput(tile.row_begin)) ++tile.row_begin;
  while (tile.row_end > tile.row_begin && !row_taps.HasInput(tile.row_end - 1)) --tile.row_end;
  tile.epilogue = run.epilogue;
  tile.dst_stride = run.dst_stride;
  tile.residual_stride = run.residual_stride;
  // Positions whose taps all lie in the row are done together; at the edges each has pointers of
  // its own.
  const int64_t reach = (g.taps_w - 1) * g.dilation_w;
  const int64_t inner_begin = (g.pad_left + g.stride_w - 1) / g.stride_w;
  const int64_t last_inner = g.in_w - 1 - reach + g.pad_left;
  const int64_t inner_end = last_inner < 0 ? 0 : std::min(g.out_w, last_inner / g.stride_w + 1);
  for (int64_t ox = 0; ox < g.out_w; ox += tile.positions) {
    const bool inner = ox >= inner_begin && ox < inner_end;
    tile.positions = inner ? inner_end - ox : 1;
    tile.column_step = inner ? g.dilation_w * g.pixel_bytes : 0;
    row_taps.Set(ox * g.stride_w - g.pad_left, taps.data());
    const int64_t position = row * g.out_w + ox;
    tile.dst = static_cast<char*>(run.dst) + position * run.dst_stride;
    if (run.residual != nullptr) {
      tile.residual = static_cast<const char*>(run.residual) + position * run.residual_stride;
    }
    run.kernel->tile(tile);
  }
}

}  // namespace skiff::kernels
