// pool2d and max_pool2d_with_index: attributes, extents, and the plain loops that specify them
// (pool2d.md). Value types and pure functions.
#pragma once

#include <array>
#include <cstdint>

#include "base/dims.h"
#include "base/status.h"
#include "graph/graph.h"
#include "ops/window_attributes.h"

namespace skiff::ops {

struct Pool2dAttrs {
  bool average = false;
  std::array<int64_t, 2> ksize{1, 1};  // height, width; the output's extents when adaptive
  std::array<int64_t, 2> strides{1, 1};
  Padding padding;
  bool global_pooling = false;
  bool adaptive = false;
  bool exclusive = true;
  bool ceil_mode = false;
};

Result<Pool2dAttrs> ParsePool2d(const graph::Node& node);

// [N, C, H, W] -> [N, C, OH, OW].
Result<Dims> InferPool2d(const Pool2dAttrs& attrs, const Dims& in);

// NCHW. Averages are summed in double. REQUIRES: `out` is InferPool2d's.
void Pool2dRef(const Pool2dAttrs& attrs, const Dims& in, const float* x, const Dims& out, float* y);

}  // namespace skiff::ops
