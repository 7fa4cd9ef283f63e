// Codes packed in a run lie as the same numbers packed as weights do.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/conv/conv.h"

namespace skiff::kernels {
namespace {

struct Extents {
  int64_t out_channels, depth;
};

// The weights and start of the channels that exist; the others may be anything.
void ExpectSame(const ConvKernel& kernel, const PackedConv& want, const PackedConv& got,
                const std::string& what) {
  ASSERT_EQ(got.steps, want.steps) << what;
  ASSERT_EQ(got.panels, want.panels) << what;
  ASSERT_EQ(got.weights.size(), want.weights.size()) << what;
  ASSERT_EQ(got.start.size(), want.start.size()) << what;
  const int64_t element = ElementBytes(kernel.input);
  const auto channel_bytes = static_cast<size_t>(kernel.k_group * element);
  for (int64_t o = 0; o < want.out_channels; ++o) {
    const int64_t panel = o / kernel.channels;
    for (int64_t step = 0; step < want.steps; ++step) {
      const int64_t at = ((panel * want.steps + step) * kernel.channels + o % kernel.channels) *
                         kernel.k_group * element;
      ASSERT_EQ(0, std::memcmp(got.weights.As() + at, want.weights.As() + at, channel_bytes))
          << what << ", channel " << o << ", step " << step;
    }
    if (want.start.size() == 0) continue;
    ASSERT_EQ(got.start.As<int32_t>()[o], want.start.As<int32_t>()[o]) << what << ", channel " << o;
  }
}

void Check(const ConvKernel& kernel, Extents e, bool inputs_lie_together) {
  AlignedBuffer codes(static_cast<size_t>(e.out_channels * e.depth));
  std::mt19937 generator(5);
  for (int64_t i = 0; i < e.out_channels * e.depth; ++i) {
    // Many of the lowest, so that sums are as large as they may be.
    const auto random = static_cast<int8_t>(generator());
    codes.As<int8_t>()[i] = generator() % 4 != 0 ? int8_t{-128} : random;
  }
  ConvFilter filter = {
      .data = codes.As<int8_t>(), .out_channels = e.out_channels, .inner_depth = e.depth};
  filter.stride_o = inputs_lie_together ? e.depth : 1;
  filter.stride_inner = inputs_lie_together ? 1 : e.out_channels;
  PackedConv got = AllocateConv(kernel, e.out_channels, e.depth);
  const ConvCodes matrix = {.data = codes.As<int8_t>(),
                            .out_channels = e.out_channels,
                            .depth = e.depth,
                            .inputs_lie_together = inputs_lie_together};
  // Parts in any order.
  const int64_t middle = got.panels / 2;
  PackCodes(kernel, matrix, middle, got.panels, &got);
  PackCodes(kernel, matrix, 0, middle, &got);
  ExpectSame(kernel, PackConv(kernel, filter), got,
             std::string(kernel.name) + " " + std::to_string(e.out_channels) + " x " +
                 std::to_string(e.depth) + (inputs_lie_together ? " rows" : " columns"));
}

TEST(PackCodes, LieAsWeightsDo) {
  for (const ConvKernel& kernel : ConvKernels()) {
    if (kernel.pre_add) continue;
    for (const int64_t out_channels : {1, 3, 8, 15, 16, 49, 64, 65, 130}) {
      for (const int64_t depth : {1, 2, 3, 4, 7, 16, 17, 64, 255, 256, 260, 517}) {
        for (const bool together : {false, true}) Check(kernel, {out_channels, depth}, together);
        if (HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace skiff::kernels
