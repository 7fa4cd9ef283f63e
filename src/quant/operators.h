// Which operators post-training quantisation knows, and which of their slots it looks at: the table
// of PaddleSlim's quant_post_static.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "program/program.h"

namespace skiff::quant {

// An operator with a weight: `activation` is rounded, `weight` becomes integers.
struct WeightSlots {
  std::string_view type;
  std::string_view activation;
  std::string_view weight;
  std::string_view output;
};
// Null when the type has no weight that could be quantised.
const WeightSlots* FindWeightSlots(std::string_view type);

// The axis of the output channels of an operator's weight.
int WeightAxis(const program::OpDesc& op);

// Of an operator with a weight of these extents, for an input and an output of so many values.
double MultiplyAdds(const program::OpDesc& op, const std::vector<int64_t>& weight, double input,
                    double output);

// The slot whose variable gets an output threshold; empty when operators of this type get none.
std::string_view ObservedSlot(std::string_view type);

// The only variable of a slot; empty when it holds none or several.
std::string_view OnlyName(const std::vector<program::Argument>& arguments, std::string_view slot);

}  // namespace skiff::quant
