#include "kernels/depthwise/depthwise.h"

#include <algorithm>
#include <array>

namespace skiff::kernels {
namespace {

template <typename W>
void Pack(const DepthwiseKernel& kernel, int64_t channels, int64_t taps, const int8_t* filter,
          W* dst) {
  const int64_t pairs = (taps + 1) / 2;
  for (int64_t first = 0; first < channels; first += kernel.block) {
    for (int64_t pair = 0; pair < pairs; ++pair) {
      for (int64_t half = 0; half < 2; ++half) {
        for (int64_t lane = 0; lane < kernel.block / (2 * kernel.run); ++lane) {
          for (int64_t i = 0; i < kernel.run; ++i) {
            const int64_t c = first + (2 * lane + half) * kernel.run + i;
            for (int64_t tap = 2 * pair; tap < 2 * pair + 2; ++tap) {
              *dst++ = c < channels && tap < taps ? W{filter[c * taps + tap]} : W{0};
            }
          }
        }
      }
    }
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

  void Set(int64_t x, const void** taps) const {
    for (int64_t ky = 0; ky < g_.taps_h; ++ky) {
      const int64_t iy = first_y_ + ky * g_.dilation_h;
      const bool inside = iy >= 0 && iy < g_.in_h;
      const char* row = inside ? image_ + iy * row_bytes_ : static_cast<const char*>(run_.zeros);
      for (int64_t kx = 0; kx < g_.taps_w; ++kx) {
        const int64_t ix = x + kx * g_.dilation_w;
        *taps++ = ix >= 0 && ix < g_.in_w ? row + ix * g_.pixel_bytes : run_.zeros;
      }
    }
    if (g_.taps_h * g_.taps_w % 2 != 0) *taps = taps[-1];
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
#define SKIFF_DEPTHWISE(symbol, rung, input, block, run) \
  {#symbol, Isa::rung, DepthwiseInput::input, block, run, symbol},
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

AlignedBuffer PackDepthwise(const DepthwiseKernel& kernel, int64_t channels, int64_t taps,
                            const int8_t* filter) {
  const int64_t blocks = (channels + kernel.block - 1) / kernel.block;
  const int64_t elements = blocks * kernel.block * ((taps + 1) / 2 * 2);
  const bool narrow = kernel.input == DepthwiseInput::kU7;
  AlignedBuffer packed(static_cast<size_t>(elements * (narrow ? 1 : 2)));
  if (narrow) {
    Pack(kernel, channels, taps, filter, packed.As<int8_t>());
  } else {
    Pack(kernel, channels, taps, filter, packed.As<int16_t>());
  }
  return packed;
}

void RunDepthwiseRow(const DepthwiseRun& run, int64_t row) {
  const ConvGeometry& g = run.geometry;
  const RowTaps row_taps(run, row);
  std::array<const void*, kMaxConvTaps + 1> taps;
  DepthwiseTile tile;
  tile.taps = taps.data();
  tile.pairs = (g.taps_h * g.taps_w + 1) / 2;
  tile.position_step = g.stride_w * g.pixel_bytes;
  tile.channels = run.channels;
  tile.weights = run.weights;
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
    tile.positions = ox >= inner_begin && ox < inner_end ? inner_end - ox : 1;
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
