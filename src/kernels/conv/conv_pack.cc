#include <algorithm>
#include <cstring>

#include "kernels/conv/conv.h"

namespace skiff::kernels {
namespace {

constexpr int kQuad = 4;

// In a pre-added pair of steps one s16 lane holds x0 w0 + x1 w1 + x2 w2 + x3 w3 with x <= 127, so
// it is safe exactly when neither the positive nor the negative weights pass this sum.
constexpr int kMaxLaneSum = INT16_MAX / 127;

// `first` and `second` are the two weights of each step that meet in one lane. Takes whole weights
// out of `second`, then `first`, until the lane is safe.
void MakeLaneSafe(int8_t* first, int8_t* second, int8_t* from_first, int8_t* from_second) {
  int8_t* weights[] = {second, second + 1, first, first + 1};
  int8_t* taken[] = {from_second, from_second + 1, from_first, from_first + 1};
  for (const int sign : {1, -1}) {
    int sum = 0;
    for (const int8_t* w : weights) sum += std::max(sign * *w, 0);
    for (int i = 0; i < 4 && sum > kMaxLaneSum; ++i) {
      if (sign * *weights[i] <= 0) continue;
      sum -= sign * *weights[i];
      *taken[i] = *weights[i];
      *weights[i] = 0;
    }
  }
}

// Is a lane of the two steps unsafe? Most steps have none, and this loop is made to be vectorised:
// it reads the two weights of a lane as the halves of an int16_t.
bool AnyUnsafe(const int8_t* first, const int8_t* second, size_t bytes) {
  int16_t worst = 0;
  for (size_t lane = 0; lane < bytes; lane += 2) {
    int16_t positive = 0;
    int16_t negative = 0;
    for (const int8_t* step : {first, second}) {
      int16_t pair;
      std::memcpy(&pair, step + lane, sizeof(pair));
      const auto low = static_cast<int16_t>(static_cast<int16_t>(pair << 8) >> 8);
      const auto high = static_cast<int16_t>(pair >> 8);
      positive =
          static_cast<int16_t>(positive + std::max<int16_t>(low, 0) + std::max<int16_t>(high, 0));
      negative =
          static_cast<int16_t>(negative + std::min<int16_t>(low, 0) + std::min<int16_t>(high, 0));
    }
    worst = std::max(worst, std::max(positive, static_cast<int16_t>(-negative)));
  }
  return worst > kMaxLaneSum;
}

bool AnyNonZero(std::span<const int8_t> weights) {
  return std::any_of(weights.begin(), weights.end(), [](int8_t w) { return w != 0; });
}

class FixupWriter {
 public:
  explicit FixupWriter(int64_t step_bytes)
      : from_first_(static_cast<size_t>(step_bytes)), from_second_(from_first_.size()) {}

  // Makes the two steps that start at `weights` safe to pre-add.
  void Repair(int8_t* weights, int32_t tap, int32_t step) {
    const size_t bytes = from_first_.size();
    if (!AnyUnsafe(weights, weights + bytes, bytes)) return;
    std::fill(from_first_.begin(), from_first_.end(), int8_t{0});
    std::fill(from_second_.begin(), from_second_.end(), int8_t{0});
    for (size_t lane = 0; lane < bytes; lane += 2) {
      MakeLaneSafe(weights + lane, weights + bytes + lane, &from_first_[lane], &from_second_[lane]);
    }
    Add(from_first_, {tap, step});
    Add(from_second_, {tap, step + 1});
  }

  std::vector<ConvFixup> fixups;
  std::vector<int8_t> weights;

 private:
  void Add(std::span<const int8_t> taken, ConvFixup fixup) {
    if (!AnyNonZero(taken)) return;
    fixups.push_back(fixup);
    weights.insert(weights.end(), taken.begin(), taken.end());
  }

  std::vector<int8_t> from_first_;
  std::vector<int8_t> from_second_;
};

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
      W* to = dst + c * kernel.k_group;
      int in_group = 0;
      for (int64_t outer = 0; outer < filter.outer_depth; ++outer) {
        const int8_t* w = from + outer * filter.stride_outer;
        for (int64_t inner = 0; inner < filter.inner_depth; ++inner, w += filter.stride_inner) {
          to[in_group] = *w;
          if (++in_group == kernel.k_group) {
            in_group = 0;
            to += step_size;
          }
        }
      }
    }
  }
}

void RepairPanel(const ConvKernel& kernel, const PackedConv& packed, int8_t* weights,
                 FixupWriter* writer) {
  const int64_t step_bytes = int64_t{kernel.channels} * kQuad;
  for (int64_t tap = 0; tap < packed.taps; ++tap) {
    for (int64_t step = 0; step + 1 < packed.steps; step += 2) {
      writer->Repair(weights + (tap * packed.steps + step) * step_bytes, static_cast<int32_t>(tap),
                     static_cast<int32_t>(step));
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
  FixupWriter writer(int64_t{kernel.channels} * kQuad);
  packed.fixup_begin.push_back(0);
  for (int64_t panel = 0; panel < packed.panels; ++panel) {
    if (widened) {
      PackPanel(kernel, filter, packed.steps, panel,
                packed.weights.As<int16_t>() + panel * panel_size);
    } else {
      int8_t* dst = packed.weights.As<int8_t>() + panel * panel_size;
      PackPanel(kernel, filter, packed.steps, panel, dst);
      if (kernel.pre_add) RepairPanel(kernel, packed, dst, &writer);
    }
    packed.fixup_begin.push_back(static_cast<int64_t>(writer.fixups.size()));
  }
  packed.fixups = std::move(writer.fixups);
  packed.fixup_weights = AlignedBuffer::ForWeights(writer.weights.size());
  std::copy(writer.weights.begin(), writer.weights.end(), packed.fixup_weights.As<int8_t>());
  return packed;
}

}  // namespace skiff::kernels
