// batch_norm at inference: attributes and the plain loops that specify it (batch_norm.md). Value
// types and pure functions.
#pragma once

#include <span>
#include <vector>

#include "base/dims.h"
#include "base/status.h"
#include "graph/graph.h"

namespace skiff::ops {

struct BatchNormAttrs {
  float epsilon = 1e-5F;
  bool channels_last = false;  // data_layout NHWC
};

Result<BatchNormAttrs> ParseBatchNorm(const graph::Node& node);

// y = x * factor[c] + offset[c], the same as (x - mean) / sqrt(variance + epsilon) * scale + bias.
struct ChannelAffine {
  std::vector<float> factor;
  std::vector<float> offset;
};

// Computed in double, rounded once. REQUIRES: arrays of one length; scale and bias may be empty (1
// and 0).
ChannelAffine MakeAffine(const BatchNormAttrs& attrs, std::span<const float> scale,
                         std::span<const float> bias, std::span<const float> mean,
                         std::span<const float> variance);

// The definition, element by element in double. `channel_stride`: elements between neighbours along
// the channel axis.
void BatchNormRef(const BatchNormAttrs& attrs, std::span<const float> scale,
                  std::span<const float> bias, std::span<const float> mean,
                  std::span<const float> variance, int64_t channel_stride, int64_t count,
                  const float* x, float* y);

}  // namespace skiff::ops
