// What a depthwise kernel is called with, and the declarations of the list. Plain data, read by all
// rungs.
#pragma once

#include <cstdint>

#include "kernels/epilogue/epilogue.h"

namespace skiff::kernels {

enum class DepthwiseInput : int32_t { kU7, kU8, kS8 };

// Neighbouring output positions of one row, all channels.
struct DepthwiseTile {
  // Per tap, where the first position finds it; an odd number of taps is made even by any pointer.
  const void* const* taps = nullptr;
  int64_t pairs = 0;          // of taps
  int64_t position_step = 0;  // bytes from one position's tap to the next one's
  int64_t positions = 0;
  int64_t channels = 0;
  const void* weights = nullptr;
  const Epilogue* epilogue = nullptr;
  void* dst = nullptr;
  int64_t dst_stride = 0;
  const void* residual = nullptr;
  int64_t residual_stride = 0;
};

using DepthwiseFn = void (*)(const DepthwiseTile& tile);

#define SKIFF_DEPTHWISE(symbol, rung, input, block, run) void symbol(const DepthwiseTile& tile);
#include "kernels/depthwise/depthwise_kernels.inc"
#undef SKIFF_DEPTHWISE

}  // namespace skiff::kernels
