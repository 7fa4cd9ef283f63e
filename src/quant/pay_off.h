// PayOff: which layers INT8 makes slower. What a quantised layer gains in arithmetic and memory
// traffic it can lose again in rounding its input, where nothing in front of it computes in
// integers.
//
// The prediction follows from the program and the extents of its tensors alone, never from the
// machine that quantises: the model runs elsewhere. docs/quantisation.md has the formula.
#pragma once

#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "quant/layers.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// Of one sample, in microseconds of the machine that the formula describes. Zeros: not predicted.
struct PredictedTime {
  double fp32_us = 0;
  double int8_us = 0;
};

// By index of layer, with the layers in float that LeaveUnpaid left.
using PredictedTimes = std::vector<PredictedTime>;

// With options.int8_must_pay: leaves one layer after the other in float, each with those that share
// its weight, as long as that makes the whole model faster (a layer in float makes the next one
// round its input). Changes nothing where no layer would be left.
Result<PredictedTimes> LeaveUnpaid(const program::Program& program, CalibrationData& data,
                                   const QuantizeOptions& options, std::vector<Layer>* layers);

}  // namespace skiff::quant
