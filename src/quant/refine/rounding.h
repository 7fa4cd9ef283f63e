// Rounding a weight so that the layer's outputs, not the weight itself, change least.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace skiff::quant {

// For each output channel: the codes q that make  w^ H w^ / 2 - b w^  small, w^ = step q. With H
// the Gram matrix of a layer's rounded inputs and b their products with the wanted outputs that is
// the square error of the outputs.
struct RoundingProblem {
  int64_t outputs = 0;
  int64_t length = 0;
  std::span<const float> gram;    // H [length, length], its diagonal positive
  std::span<const float> target;  // b [outputs, length]
  std::span<const float> steps;   // [outputs]
};

// Cyclic coordinate descent (QuantEase, arXiv 2309.01885) from the codes given, [outputs, length]
// each -127..127; each step takes the best value of one code, the others staying. A code ends
// within one of where it began: farther away the data are fitted more than the layer. `threads`: of
// the matrix products.
Status RoundToOutputs(const RoundingProblem& problem, int threads, std::span<int8_t> codes);

}  // namespace skiff::quant
