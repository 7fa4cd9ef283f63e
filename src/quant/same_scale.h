// Tensors that share a scale: PaddleSlim's same_scale_tensor_list.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "quant/calibrate/calibrate.h"
#include "quant/layers.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// Thresholds of weights: one, or one for each channel.
using ThresholdsByWeight = std::map<std::string, std::vector<float>, std::less<>>;

// Every member of a list gets the largest threshold of all; of weights with thresholds by channel,
// the largest of each channel. A member "name#*#k" counts k times its threshold and gets a k-th of
// the largest, "name#/#k" the reverse. Errors: a name that has no threshold, or another number of
// them than the others, or a factor that is no positive number.
Status ShareScales(const std::vector<std::vector<std::string>>& lists, Ranges* ranges,
                   ThresholdsByWeight* weights);

}  // namespace skiff::quant
