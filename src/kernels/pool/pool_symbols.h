// What a pooling kernel is called with, and the declarations of the list. Plain data, read by all
// rungs.
#pragma once

#include <cstdint>

#include "kernels/epilogue/epilogue.h"

namespace skiff::kernels {

enum class PoolKind : int32_t {
  kMaxU8,
  kMaxS8,
  kMaxF32,        // a NaN never wins; an empty window gives -FLT_MAX, the lowest code for codes
  kAverageF32,    // sum in memory order, then one division by `divisor`
  kAverageCodes,  // sum in s32, float(sum) * multiplier, then stored as f32 or rounded to codes
};

// One output position: a window of rows x columns pixels, all of them inside the input.
struct PoolWindow {
  const void* src = nullptr;  // the window's first pixel
  int64_t row_stride = 0;     // bytes
  int64_t pixel_stride = 0;   // bytes
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t channels = 0;
  void* dst = nullptr;
  float divisor = 1;  // kAverageF32
  // kAverageCodes: at most 2^23 pixels, so that the sum is exact.
  bool src_is_unsigned = true;
  StoreType store = StoreType::kF32;
  float multiplier = 1;
  float lo = 0;  // of the codes; f32 is not clamped
  float hi = 127;
  bool half_away = false;
};

using PoolFn = void (*)(const PoolWindow& window);

#define SKIFF_POOL(symbol, rung, kind) void symbol(const PoolWindow& window);
#include "kernels/pool/pool_kernels.inc"
#undef SKIFF_POOL

}  // namespace skiff::kernels
