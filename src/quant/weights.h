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

// axis -1: one threshold for all. Errors: the weight is not float32, has no such axis, or holds a
// value that is not finite.
Result<QuantizedWeight> QuantizeWeight(const std::string& name, const program::Tensor& weight,
                                       int axis);

}  // namespace skiff::quant
