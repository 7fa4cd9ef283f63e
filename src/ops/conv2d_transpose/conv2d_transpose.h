// conv2d_transpose and depthwise_conv2d_transpose: attributes, extents, and the plain loops that
// specify them (conv2d_transpose.md). Value types and pure functions.
#pragma once

#include <array>
#include <cstdint>

#include "base/dims.h"
#include "base/status.h"
#include "graph/graph.h"
#include "ops/fused_activation.h"
#include "ops/window_attributes.h"

namespace skiff::ops {

struct Conv2dTransposeAttrs {
  // Height, width.
  std::array<int64_t, 2> strides{1, 1};
  std::array<int64_t, 2> dilations{1, 1};
  std::array<int64_t, 2> output_padding{};  // added at the end
  std::array<int64_t, 2> output_size{};     // 0: computed
  int64_t groups = 1;
  Padding padding;
  FusedActivation activation;
};

Result<Conv2dTransposeAttrs> ParseConv2dTranspose(const graph::Node& node);

// y = activation(scatter of x through the filter + bias), NCHW; bias may be null. Sums in double.
// `filter_dims` is [C, O / groups, kh, kw]; `out` the output's extents, which the attributes made.
void Conv2dTransposeRef(const Conv2dTransposeAttrs& attrs, const Dims& in, const float* x,
                        const Dims& filter_dims, const float* filter, const float* bias,
                        const Dims& out, float* y);

}  // namespace skiff::ops
