// Prepare: everything that is decided before a quantised model is written.
//
// A Prepared model can be exported more than once, with other layers left in float each time.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "program/program.h"
#include "quant/export.h"
#include "quant/original.h"
#include "quant/pay_off.h"
#include "skiff/quantize.h"

namespace skiff::quant {

struct Prepared {
  OriginalModel original;
  program::Program program;  // the same with what the recipe changed in it
  Quantized quantized;
  PredictedTimes predicted;  // by layer; empty: not predicted
  int64_t batches = 0;       // of calibration data
};

// Errors name the option, operator, variable or file.
Result<Prepared> Prepare(const ModelSource& source, CalibrationData& data,
                         const QuantizeOptions& options, const QuantizeProgress& progress);

// What became of each operator that was asked for.
QuantizeReport ReportOf(const Prepared& prepared);

}  // namespace skiff::quant
