// INT8 depthwise convolution, channel multiplier 1, NHWC: every channel has a filter of its own.
//
// The specification is ConvRef with as many groups as channels. Sums are exact in s32 (at most
// kMaxConvTaps taps). At most 63 bytes past the end of a row of pixels are read.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "base/isa.h"
#include "kernels/conv/conv.h"
#include "kernels/depthwise/depthwise_symbols.h"

namespace skiff::kernels {

struct DepthwiseKernel {
  const char* name;
  Isa isa;
  DepthwiseInput input;
  int block;         // channels
  int run;           // neighbouring channels of one 128-bit lane
  int group;         // taps of a channel that one multiply-add takes together
  int weight_bytes;  // 1 or 2
  DepthwiseFn tile;
};

// Every kernel of the list, best first.
std::span<const DepthwiseKernel> DepthwiseKernels();
// The best that may run under `isa`; never null.
const DepthwiseKernel* FindDepthwiseKernel(DepthwiseInput input, Isa isa);

// One tap of a window; a negative row where a group has no further tap.
struct TapSlot {
  int32_t row;
  int32_t column;
};

// Weights are packed [block][group of slots][part][lane][run][group], where element `i` of a run is
// channel (group lane + part) run + i of the block: the order in which unpacking the low and high
// halves of 128-bit lanes leaves the inputs. Slots are taken in bands of `group` rows, column by
// column, so that what a column's taps become serves all windows that it lies in; a single last row
// in runs of `group` columns.
struct PackedDepthwise {
  std::vector<TapSlot> slots;
  AlignedBuffer weights;
  AlignedBuffer start;    // [block][part][lane][run] of s32, for kernels of s8 codes and weights
  AlignedBuffer factors;  // [block][m, b][part][lane][run] of float: the epilogue's
};
// filter: [channels][rows][columns].
PackedDepthwise PackDepthwise(const DepthwiseKernel& kernel, int64_t channels, int64_t rows,
                              int64_t columns, const int8_t* filter, const Epilogue& epilogue);

struct DepthwiseRun {
  const DepthwiseKernel* kernel = nullptr;
  ConvGeometry geometry;
  int64_t channels = 0;
  const void* input = nullptr;
  const void* zeros = nullptr;  // a whole row of the input and slack
  const PackedDepthwise* packed = nullptr;
  const Epilogue* epilogue = nullptr;
  void* dst = nullptr;
  int64_t dst_stride = 0;  // bytes between positions
  const void* residual = nullptr;
  int64_t residual_stride = 0;
};
// Output row `row`, counted through the images.
void RunDepthwiseRow(const DepthwiseRun& run, int64_t row);

}  // namespace skiff::kernels
