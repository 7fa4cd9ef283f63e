// Which layers of a program will be quantised, and why others will not.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "program/program.h"
#include "quant/operators.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// An operator that was asked for.
struct Layer {
  size_t op = 0;  // index in block 0
  const WeightSlots* slots = nullptr;
  std::string activation;
  std::string weight;
  std::string output;
  std::string bias;       // a parameter added to the output, one value a channel; may be empty
  int axis = -1;          // of the weight's thresholds
  std::string why_float;  // empty: it will be quantised
};

// By operator, in the program's order.
std::vector<Layer> PlanLayers(const program::Program& program, const QuantizeOptions& options);

// With is_full_quantize: the activations that every other operator of Paddle's table reads, by the
// index of the operator.
std::map<size_t, std::vector<std::string>> PlanOtherInputs(const program::Program& program,
                                                           const QuantizeOptions& options,
                                                           const std::vector<Layer>& layers);

// Those that will be quantised, by the index of their operator. The layers must outlive the answer.
std::map<size_t, const Layer*> QuantizedByOp(const std::vector<Layer>& layers);

// Variables of block 0 that cannot be negative, whatever the input: what relu and its like write,
// and what only moves, adds or multiplies such.
std::set<std::string, std::less<>> NeverNegative(const program::Program& program);

// The activations of layers to be quantised that get codes 0..255.
std::set<std::string, std::less<>> PlanFullRange(const program::Program& program,
                                                 const QuantizeOptions& options,
                                                 const std::vector<Layer>& layers);

// Variables of block 0 that the program fetches.
std::set<std::string> FetchedNames(const program::Program& program);

}  // namespace skiff::quant
