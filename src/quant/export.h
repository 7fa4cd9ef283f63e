// Export: writes the outcome of calibration into a program, as PaddleSlim writes it
// (docs/formats.md, representations R1 and R3).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "quant/calibrate/calibrate.h"
#include "quant/layers.h"
#include "quant/weights.h"
#include "skiff/quantize.h"

namespace skiff::quant {

struct Quantized {
  std::vector<Layer> layers;  // all that were asked for
  // What else is rounded: activations that operators without a weight read, by operator.
  std::map<size_t, std::vector<std::string>> other_inputs;
  std::map<std::string, QuantizedWeight, std::less<>> weights;
  Ranges ranges;
  // Values for biases of quantised layers that make up for the mean error of their rounding.
  std::map<std::string, std::vector<float>, std::less<>> biases;
};

// What an operator carries that was asked for and stays float: why. Paddle ignores it.
inline constexpr const char* kWhyFloat = "skiff_why_float";

// The quantised program. Layers whose why_float is not empty stay float.
program::Program Export(const program::Program& program, const Quantized& quantized,
                        const QuantizeOptions& options);

// The form that is run to judge it: both formats hold the same numbers, and in onnx_format every
// variable keeps its name.
program::Program ExportToRun(const program::Program& program, const Quantized& quantized);

// Both of these; they share what is the same.
struct Exported {
  program::Program to_write;
  program::Program to_run;
};
Exported ExportBoth(const program::Program& program, const Quantized& quantized,
                    const QuantizeOptions& options);

// The files of a program that Export made, and a calibration_table.txt, into the folder `out`, made
// if need be; each under a temporary name first.
Status WriteModel(const program::Program& program, const Ranges& ranges,
                  const QuantizeOptions& options, const std::string& out);

// onnx_format: quantize_linear and dequantize_linear, weights stored as int8, thresholds of all
// other outputs on pairs with only_observer.
void ExportLinear(const Quantized& quantized, program::Program* program);

// min_max: the least and the largest value of what layers read and operators write, as attributes.
void ExportMinMax(const Quantized& quantized, program::Program* program);

// The old format: fake_quantize_* in front, weights stored as float32 that hold integers,
// fake_*dequantize_max_abs behind, thresholds of all outputs as attributes.
void ExportFake(const Quantized& quantized, const QuantizeOptions& options,
                program::Program* program);

}  // namespace skiff::quant
