// Recognises how a model carries its quantisation (docs/formats.md) and counts what it finds.
//
// Thread-safety: pure functions of a const Program.
#pragma once

#include <map>
#include <string_view>

#include "program/program.h"

namespace skiff::formats {

enum class Representation {
  kNone,
  kR1,   // fake_quantize before the operator, fake_dequantize after it, float weights of integers
  kR1b,  // the same with int8 weights
  kR2,   // fake_quantize_dequantize on activations and weights, plain float weights
  kR3,   // quantize_linear and dequantize_linear, int8 weights
  kR4,   // the same with float weights of integers (paddle.quantization)
  kR5,   // weights only, steps in attributes
  kR6,   // ranges in attributes (algo="min_max")
  kR7,   // oneDNN INT8 program, scales in attributes
};

std::string_view Name(Representation representation);      // "R1b", "none"
std::string_view Describe(Representation representation);  // a few words, as above

struct QuantSummary {
  Representation representation = Representation::kNone;
  // Operators that read quantised weights, and others that read rounded activations.
  int operators_with_weights = 0;
  int operators_without_weights = 0;
  int activation_thresholds = 0;   // activations with a usable threshold of their own
  int output_thresholds = 0;       // operators with a usable out_threshold attribute
  std::map<int, int> weight_bits;  // weights by bit width
};

QuantSummary SummariseQuantisation(const program::Program& program);

}  // namespace skiff::formats
