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

void PackFactors(const DepthwiseKernel& kernel, const Filter& filter, const Epilogue& e,
                 float* dst) {
  for (int64_t block = 0; block < filter.Blocks(kernel); ++block) {
    for (const float* factor : {e.m, e.b}) {
      ForChannels(kernel, block,
                  [&](int64_t c) { *dst++ = c < filter.channels ? factor[c] : 0.0F; });
    }
  }
}

// The windows that vector kernels take whole rows of (DepthwiseTile::rows).
constexpr int64_t kMaxRows = 5;
bool TakesRows(const DepthwiseKernel& kernel, const ConvGeometry& g) {
  return kernel.isa != Isa::kScalar && g.taps_h == g.taps_w && (g.taps_w == 3 || g.taps_w == 5) &&
         g.dilation_w == 1 && (g.stride_w == 1 || g.stride_w == 2);
}

// Where the windows of an output row find their inputs.
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

  // Where the rows of the window begin.
  void SetRows(const void** rows) const {
    for (int64_t y = 0; y < g_.taps_h; ++y) {
      const int64_t iy = first_y_ + y * g_.dilation_h;
      rows[y] = HasInput(y) ? image_ + iy * row_bytes_ : run_.zeros;
    }
  }

  // Where each slot finds its tap when the window begins at column x.
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
                              int64_t columns, const int8_t* filter, const Epilogue& epilogue) {
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
  packed.factors = AlignedBuffer(static_cast<size_t>(2 * padded) * sizeof(float));
  PackFactors(kernel, weights, epilogue, packed.factors.As<float>());
  return packed;
}

void RunDepthwiseRow(const DepthwiseRun& run, int64_t row) {
  const ConvGeometry& g = run.geometry;
  const RowTaps row_taps(run, row);
  DepthwiseTile tile;
  tile.channels = run.channels;
  tile.groups = static_cast<int64_t>(run.packed->slots.size()) / run.kernel->group;
  tile.weights = run.packed->weights.As();
  if (run.packed->start.size() != 0) tile.start = run.packed->start.As<int32_t>();
  tile.factors = run.packed->factors.As<float>();
  tile.epilogue = run.epilogue;
  tile.dst_stride = run.dst_stride;
  tile.residual_stride = run.residual_stride;
  const auto run_from = [&](int64_t ox) {
    const int64_t position = row * g.out_w + ox;
    tile.dst = static_cast<char*>(run.dst) + position * run.dst_stride;
    if (run.residual != nullptr) {
      tile.residual = static_cast<const char*>(run.residual) + position * run.residual_stride;
    }
    run.kernel->tile(tile);
  };
  if (TakesRows(*run.kernel, g)) {
    std::array<const void*, kMaxRows> rows;
    row_taps.SetRows(rows.data());
    tile.rows = rows.data();
    tile.window = g.taps_w;
    tile.stride = g.stride_w;
    tile.pad_left = g.pad_left;
    tile.columns = g.in_w;
    tile.pixel_bytes = g.pixel_bytes;
    tile.zeros = run.zeros;
    tile.row_end = g.taps_h;
    while (tile.row_begin < tile.row_end && !row_taps.HasInput(tile.row_begin)) ++tile.row_begin;
    while (tile.row_end > tile.row_begin && !row_taps.HasInput(tile.row_end - 1)) --tile.row_end;
    tile.positions = g.out_w;
    run_from(0);
    return;
  }
  // Positions whose taps all lie in the row are done together; at the edges each has pointers of
  // its own.
  std::array<const void*, kMaxSlots> taps;
  tile.taps = taps.data();
  tile.position_step = g.stride_w * g.pixel_bytes;
  const int64_t reach = (g.taps_w - 1) * g.dilation_w;
  const int64_t inner_begin = (g.pad_left + g.stride_w - 1) / g.stride_w;
  const int64_t last_inner = g.in_w - 1 - reach + g.pad_left;
  const int64_t inner_end = last_inner < 0 ? 0 : std::min(g.out_w, last_inner / g.stride_w + 1);
  for (int64_t ox = 0; ox < g.out_w; ox += tile.positions) {
    const bool inner = ox >= inner_begin && ox < inner_end;
    tile.positions = inner ? inner_end - ox : 1;
    row_taps.Set(ox * g.stride_w - g.pad_left, taps.data());
    run_from(ox);
  }
}

}  // namespace skiff::kernels
