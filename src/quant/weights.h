// Weights to integers, by the largest absolute value of the tensor or of each output channel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "program/program.h"

namespace skiff::quant {

struct QuantizedWeight {
  std::vector<int8_t> codes;      // -127..127, in the weight's order
  std::vector<float> thresholds;  // one, or one for each channel
  int axis = -1;                  // of the channels; -1: one threshold

  [[nodiscard]] float Threshold(int64_t channel) const {
    return thresholds.size() > 1 ? thresholds[static_cast<size_t>(channel)] : thresholds[0];
  }
};

// How a weight's elements lie in its channels: element i belongs to channel i / inner % count.
struct ChannelLayout {
  size_t count = 1;
  size_t inner = 1;
};
// axis -1: all are one channel. REQUIRES: the weight has the axis.
ChannelLayout LayoutOfChannels(const program::Tensor& weight, int axis);

// The largest |w| of each channel. Errors: the weight is not float32, has no such axis, or holds a
// value that is not finite.
Result<std::vector<float>> LargestByChannel(const std::string& name, const program::Tensor& weight,
                                            int axis);
// Codes by thresholds as LargestByChannel gives them, or larger ones.
QuantizedWeight RoundWeight(const program::Tensor& weight, int axis, std::vector<float> thresholds);
// Both.
Result<QuantizedWeight> QuantizeWeight(const std::string& name, const program::Tensor& weight,
                                       int axis);

}  // namespace skiff::quant
