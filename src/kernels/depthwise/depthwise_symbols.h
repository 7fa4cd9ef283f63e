// What a depthwise kernel is called with, and the declarations of the list. Plain data, read by all
// rungs.
#pragma once

#include <cstdint>

#include "kernels/epilogue/epilogue.h"

namespace skiff::kernels {

enum class DepthwiseInput : int32_t { kU8, kS8 };

// Neighbouring output positions of one row, all channels. A kernel is told in one of two ways where
// their inputs are.
struct DepthwiseTile {
  // Any window: where the first position finds each tap (PackedDepthwise::slots), and how many
  // bytes further the next position finds it.
  const void* const* taps = nullptr;
  int64_t groups = 0;  // of slots
  int64_t position_step = 0;
  int64_t positions = 0;
  // Square windows of 3 or 5 taps, 1 or 2 columns apart, a whole row of them: the input rows that
  // they cover, zeros where one lies outside of the picture. Null: `taps` are told, as the scalar
  // kernels always are.
  const void* const* rows = nullptr;
  int64_t window = 0;
  int64_t stride = 0;
  int64_t pad_left = 0;
  int64_t columns = 0;  // of an input row
  int64_t pixel_bytes = 0;
  const void* zeros = nullptr;  // stands for the columns outside
  // Those rows of the window that lie in the picture.
  int64_t row_begin = 0;
  int64_t row_end = 0;
  int64_t channels = 0;
  const void* weights = nullptr;
  // Per channel, in the order of the weights: -128 times their sum, for kernels that read s8 codes
  // as code + 128. Null for the others.
  const int32_t* start = nullptr;
  // m and b of every block of channels, in the order of the weights (PackedDepthwise::factors).
  const float* factors = nullptr;
  const Epilogue* epilogue = nullptr;
  void* dst = nullptr;
  int64_t dst_stride = 0;
  const void* residual = nullptr;
  int64_t residual_stride = 0;
};

using DepthwiseFn = void (*)(const DepthwiseTile& tile);

#define SKIFF_DEPTHWISE(symbol, rung, input, block, run, group, bytes) \
  void symbol(const DepthwiseTile& tile);
#include "kernels/depthwise/depthwise_kernels.inc"
#undef SKIFF_DEPTHWISE

}  // namespace skiff::kernels
