// The parameter through which a layer's mean output can be moved: the bias that is added behind it,
// or the shift of its batch norm.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "program/program.h"
#include "quant/layers.h"

namespace skiff::quant {

struct OutputBias {
  std::string param;  // [channels], read by one operator
  std::vector<float>
      gain;             // adding d to channel c of the output = adding gain[c] d to the parameter
  bool inside = false;  // the layer's output holds it already
};

// Nothing where the output goes elsewhere too, or no such parameter is there.
std::optional<OutputBias> FindOutputBias(const program::Program& program, const Layer& layer,
                                         int64_t channels);

}  // namespace skiff::quant
