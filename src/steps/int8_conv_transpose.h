// INT8 transposed convolution: one ordinary convolution for each of the stride x stride classes of
// output positions, all of whose taps are the same weights.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/isa.h"
#include "base/status.h"
#include "kernels/epilogue/epilogue.h"
#include "steps/int8_grid.h"
#include "steps/step.h"
#include "steps/window.h"

namespace skiff::steps {

struct Int8ConvTransposeSpec {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  // Height, width.
  std::array<int64_t, 2> kernel{1, 1};
  std::array<int64_t, 2> stride{1, 1};
  std::array<int64_t, 2> dilation{1, 1};
  PaddingRule padding = PaddingRule::kExplicit;
  std::array<int64_t, 4> pads{};  // top, bottom, left, right; kExplicit only
  // Rows and columns added at the end, or the output's extents (0: computed).
  std::array<int64_t, 2> output_padding{};
  std::array<int64_t, 2> output_size{};

  std::span<const int8_t> filter;   // I, O, H, W: the file's integers; read here, not kept
  std::vector<double> filter_step;  // 1 or out_channels; any sign
  std::vector<float> bias;          // empty or out_channels, real units
  CodeGrid input;
  kernels::Activation activation;
  bool output_is_float = false;
  CodeGrid output;
};

// Input: x, NHWC codes on spec.input; output: NHWC codes on spec.output, or f32.
Result<std::unique_ptr<Step>> MakeInt8ConvTranspose(const Int8ConvTransposeSpec& spec, Isa isa);

}  // namespace skiff::steps
