#include <algorithm>
#include <cstring>

#include "kernels/conv/conv.h"
#include "kernels/conv/conv_preadd.h"

namespace skiff::kernels {
namespace {

// The weights of one channel and tap, `step_size` elements from one group to the next.
template <typename W>
void PackChannel(const ConvFilter& filter, const int8_t* from, int64_t step_size, W* to) {
  constexpr int64_t kGroup = 4 / sizeof(W);
  const int64_t stride = filter.stride_inner;
  int64_t in_group = 0;
  for (int64_t outer = 0; outer < filter.outer_depth; ++outer, from += filter.stride_outer) {
    const int8_t* w = from;
    int64_t inner = 0;
    // Whole groups, but where rows of taps do not begin with one.
    for (; in_group == 0 && inner + kGroup <= filter.inner_depth; inner += kGroup) {
      for (int64_t i = 0; i < kGroup; ++i, w += stride) to[i] = *w;
      to += step_size;
    }
    for (; inner < filter.inner_depth; ++inner, w += stride) {
      to[in_group] = *w;
      if (++in_group < kGroup) continue;
      in_group = 0;
      to += step_size;
    }
  }
}

template <typename W>
void PackPanel(const ConvKernel& kernel, const ConvFilter& filter, int64_t steps, int64_t panel,
               W* dst) {
  const int64_t first = panel * kernel.channels;
  const int64_t channels = std::min<int64_t>(kernel.channels, filter.out_channels - first);
  const int64_t step_size = int64_t{kernel.channels} * kernel.k_group;
  std::fill(dst, dst + filter.taps * steps * step_size, W{0});
  for (int64_t tap = 0; tap < filter.taps; ++tap, dst += steps * step_size) {
    for (int64_t c = 0; c < channels; ++c) {
      const int8_t* from = filter.data + (first + c) * filter.stride_o + tap * filter.stride_tap;
      PackChannel(filter, from, step_size, dst + c * kernel.k_group);
    }
  }
}

// -128 times the sum of a channel's weights.
int32_t StartOf(const ConvFilter& filter, int64_t channel) {
  int32_t sum = 0;
  for (int64_t tap = 0; tap < filter.taps; ++tap) {
    const int8_t* from = filter.data + channel * filter.stride_o + tap * filter.stride_tap;
    for (int64_t outer = 0; outer < filter.outer_depth; ++outer) {
      for (int64_t inner = 0; inner < filter.inner_depth; ++inner) {
        sum += from[outer * filter.stride_outer + inner * filter.stride_inner];
      }
    }
  }
  return -128 * sum;
}

AlignedBuffer StartsOf(const ConvFilter& filter, int64_t padded_channels) {
  AlignedBuffer starts(static_cast<size_t>(padded_channels) * sizeof(int32_t));
  starts.Zero();
  for (int64_t c = 0; c < filter.out_channels; ++c) starts.As<int32_t>()[c] = StartOf(filter, c);
  return starts;
}

}  // namespace

PackedConv PackConv(const ConvKernel& kernel, const ConvFilter& filter) {
  PackedConv packed;
  packed.out_channels = filter.out_channels;
  packed.taps = filter.taps;
  const int64_t block = int64_t{kernel.k_group} * kernel.step_block;
  const int64_t depth = filter.outer_depth * filter.inner_depth;
  packed.steps = (depth + block - 1) / block * kernel.step_block;
  packed.panels = (filter.out_channels + kernel.channels - 1) / kernel.channels;
  const int64_t panel_size = packed.taps * packed.steps * kernel.channels * kernel.k_group;
  const bool widened = kernel.input == ConvInput::kS16;
  packed.weights = AlignedBuffer::ForWeights(
      static_cast<size_t>(packed.panels * panel_size * ElementBytes(kernel.input)));
  if (kernel.input == ConvInput::kS8) {
    packed.start = StartsOf(filter, packed.panels * kernel.channels);
  }
  PreAddPairs pairs(packed.taps, packed.steps, int64_t{kernel.channels} * kernel.k_group);
  for (int64_t panel = 0; panel < packed.panels; ++panel) {
    if (widened) {
      PackPanel(kernel, filter, packed.steps, panel,
                packed.weights.As<int16_t>() + panel * panel_size);
    } else {
      int8_t* dst = packed.weights.As<int8_t>() + panel * panel_size;
      PackPanel(kernel, filter, packed.steps, panel, dst);
      if (kernel.pre_add) pairs.AddPanel(dst);
    }
  }
  if (kernel.pre_add) packed.pairs = std::move(pairs).Finish();
  return packed;
}

}  // namespace skiff::kernels
