// INT8 depthwise convolution, channel multiplier 1, NHWC: every channel has a filter of its own.
//
// The specification is ConvRef with as many groups as channels. Sums are exact in s32 (at most
// kMaxConvTaps taps). At most 32 bytes past the end of a row of pixels are read.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <span>

#include "base/aligned.h"
#include "base/isa.h"
#include "kernels/conv/conv.h"
#include "kernels/depthwise/depthwise_symbols.h"

namespace skiff::kernels {

struct DepthwiseKernel {
  const char* name;
  Isa isa;
  DepthwiseInput input;
  // Weights are packed [block][pair of taps][half][lane][run][2]: element `i` of the run belongs to
  // channel (2 lane + half) run + i of the block. That is the order in which unpacking the low and
  // high halves of 128-bit lanes leaves the inputs. s8 for kU7, s16 otherwise.
  int block;  // channels; a multiple of 2 run
  int run;
  DepthwiseFn tile;
};

// Every kernel of the list, best first.
std::span<const DepthwiseKernel> DepthwiseKernels();
// The best that may run under `isa`; never null.
const DepthwiseKernel* FindDepthwiseKernel(DepthwiseInput input, Isa isa);

// filter: [channels][taps].
AlignedBuffer PackDepthwise(const DepthwiseKernel& kernel, int64_t channels, int64_t taps,
                            const int8_t* filter);

struct DepthwiseRun {
  const DepthwiseKernel* kernel = nullptr;
  ConvGeometry geometry;
  int64_t channels = 0;
  const void* input = nullptr;
  const void* zeros = nullptr;  // a whole row of the input and slack
  const void* weights = nullptr;
  const Epilogue* epilogue = nullptr;
  void* dst = nullptr;
  int64_t dst_stride = 0;  // bytes between positions
  const void* residual = nullptr;
  int64_t residual_stride = 0;
};
// Output row `row`, counted through the images.
void RunDepthwiseRow(const DepthwiseRun& run, int64_t row);

}  // namespace skiff::kernels
