// conv2d, depthwise_conv2d and fused_conv2d: attributes, extents, and the plain loops that specify
// them (conv2d.md). Value types and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/dims.h"
#include "base/status.h"
#include "graph/graph.h"
#include "ops/fused_activation.h"
#include "ops/window_attributes.h"

namespace skiff::ops {

struct Conv2dAttrs {
  std::array<int64_t, 2> strides{1, 1};  // height, width; so are dilations
  std::array<int64_t, 2> dilations{1, 1};
  int64_t groups = 1;
  Padding padding;
  FusedActivation activation;
};

Result<Conv2dAttrs> ParseConv2d(const graph::Node& node);

// Input [N, C, H, W] and filter [O, C / groups, kh, kw] -> [N, O, OH, OW].
Result<Dims> InferConv2d(const Conv2dAttrs& attrs, const Dims& input, const Dims& filter);

// y = activation(x * filter + bias + residual), all NCHW; bias and residual may be null. Sums in
// double. REQUIRES: `out` is InferConv2d's.
void Conv2dRef(const Conv2dAttrs& attrs, const Dims& in, const float* x, const Dims& filter_dims,
               const float* filter, const float* bias, const float* residual, const Dims& out,
               float* y);

// The integer sums alone: |sum| <= C / groups * kh * kw * 255 * 128 must stay below 2^31.
template <typename Code>
void Conv2dSumsRef(const Conv2dAttrs& attrs, const Dims& in, const Code* x, const Dims& filter_dims,
                   const int8_t* filter, const Dims& out, int32_t* sums);

}  // namespace skiff::ops
