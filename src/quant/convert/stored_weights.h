// The integers that a quantised model's weights stand for, whatever form its file keeps them in,
// and the way back to float (docs/formats.md).
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/rounding.h"
#include "base/status.h"
#include "program/program.h"
#include "quant/weights.h"

namespace skiff::quant {

// R1, R3, R4: the file holds the integers, as int8 or as float32. `axis` is the file's; where it
// does not fit the number of thresholds, the axis that does is taken.
Result<QuantizedWeight> StoredCodes(const std::string& name, const program::Tensor& weight,
                                    std::vector<float> thresholds, int axis);

// R2: a float weight, rounded as its fake operator rounds it. Without thresholds they are the
// largest |w| of the tensor (axis -1) or of each channel.
Result<QuantizedWeight> FakeQuantizedCodes(const std::string& name, const program::Tensor& weight,
                                           std::vector<float> thresholds, int axis,
                                           RoundMode round);

// R6: a float weight by its largest |w| per channel, as Skiff rounds where the model leaves it
// open.
Result<QuantizedWeight> LargestCodes(const std::string& name, const program::Tensor& weight,
                                     int axis);

// R5: integers of 8 or 16 bits times their steps.
Result<std::vector<float>> FromSteps(const std::string& name, const program::Tensor& weight,
                                     std::span<const float> steps, int axis);

// code * threshold / 127, in float in this order, as Paddle computes it.
std::vector<float> FromCodes(const program::Tensor& weight, const QuantizedWeight& codes);

}  // namespace skiff::quant
