// Small integer tensors whose values the shape program knows: what the plan, the runtime and
// constant folding hand to a step's Reshape with the extents. Thread-safe: pure functions.
#pragma once

#include <algorithm>

#include "steps/step.h"

namespace skiff::steps {

// Sets or clears `shape->ints` from the shape->dims elements at `data`: known when they are int32
// or int64 and no more than IntValues::kMax.
inline void SetKnownInts(DType dtype, const void* data, TensorShape* shape) {
  const int64_t n = shape->dims.Numel();
  shape->has_ints =
      (dtype == DType::kInt32 || dtype == DType::kInt64) && n >= 0 && n <= IntValues::kMax;
  if (!shape->has_ints) return;
  shape->ints.count = static_cast<int>(n);
  if (dtype == DType::kInt32)
    std::copy_n(static_cast<const int32_t*>(data), n, shape->ints.v.begin());
  if (dtype == DType::kInt64)
    std::copy_n(static_cast<const int64_t*>(data), n, shape->ints.v.begin());
}

}  // namespace skiff::steps
