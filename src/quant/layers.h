// Which layers of a program will be quantised, and why others will not.
#pragma once

#include <map>
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
  int axis = -1;          // of the weight's thresholds
  std::string why_float;  // empty: it will be quantised
};

// By operator, in the program's order.
std::vector<Layer> PlanLayers(const program::Program& program, const QuantizeOptions& options);

// Variables of block 0 that the program fetches.
std::vector<std::string> FetchedNames(const program::Program& program);

}  // namespace skiff::quant
