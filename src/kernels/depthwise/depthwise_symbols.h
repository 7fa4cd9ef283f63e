// What a depthwise kernel is called with, and the declarations of the list. Plain data, read by all
// rungs.
#pragma once

#include <cstdint>

#include "kernels/epilogue/epilogue.h"

namespace skiff::kernels {

enum class DepthwiseInput : int32_t { kU8, kS8 };

// Neighbouring output positions of one row, all channels.
struct DepthwiseTile {
  // Per slot (TapSlots), where the first position finds its tap.
  const void* const* taps = nullptr;
  int64_t groups = 0;         // of slots
  int64_t position_step = 0;  // bytes from one position's tap to the next one's
  int64_t positions = 0;
  // Of the window, if all taps of a row are `column_step` bytes apart; 0 at the picture's edges.
  int64_t rows = 0;
  int64_t columns = 0;
  // Those rows of the window that lie in the picture; the others are zeros.
  int64_t row_begin = 0;
  int64_t row_end = 0;
  int64_t column_step = 0;
  int64_t channels = 0;
  const void* weights = nullptr;
  // Per channel, in the order of the weights: -128 times their sum, for kernels that read s8 codes
  // as code + 128. Null for the others.
  const int32_t* start = nullptr;
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
