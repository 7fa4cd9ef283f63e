// The operators and attributes that round in quantised models (docs/formats.md, R1 to R4 and R6),
// and what they say.
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "program/program.h"

namespace skiff::quant {

// An activation's quantiser: its result is the integers.
bool IsQuantize(const program::OpDesc& op);
// Rounds and goes back to float at once, with a scale that the file holds.
bool IsQuantizeDequantize(const program::OpDesc& op);
// The same by the largest value of what it reads: a constant where that is a weight.
bool IsAbsMaxQuantizeDequantize(const program::OpDesc& op);
// Behind an operator that multiplied integers.
bool IsOutputDequantize(const program::OpDesc& op);
// quantize_linear or dequantize_linear.
bool IsLinear(const program::OpDesc& op);
// One of the above.
bool IsQuantizer(const program::OpDesc& op);

// An error when the operator rounds to anything but 8 bits.
Status CheckBits(const program::OpDesc& op);

// The rounding rule of a fake operator, whose default is not quantize_linear's.
int32_t FakeRoundType(const program::OpDesc& op);

using Params = std::map<std::string, program::Tensor>;

// The elements of a scale tensor, whatever its shape; at least one.
Result<std::vector<float>> Thresholds(const Params& params, const std::string& scale);

// What an output dequantiser says of the weight in front of it.
Result<std::vector<float>> WeightThresholds(const Params& params,
                                            const program::OpDesc& dequantizer);

// R6: does the operator's attribute "<x>.max" say how large its input `x` gets?
bool HasRange(const program::OpDesc& op, const std::string& x);
// The larger magnitude of "<x>.min" and "<x>.max". All ranges leave the operator.
float TakeRange(program::OpDesc* op, const std::string& x);

}  // namespace skiff::quant
