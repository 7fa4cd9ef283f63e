// Refine: makes each layer of a calibrated model lose less, from passes of the float model over the
// data: ranges by the error of the outputs, weights rounded together, means put right.
//
// Memory does not grow with the data: layers are refined in groups whose samples, and then in
// groups whose moments fit, a pass for each group, which ends with the group's last layer. What a
// group gave is kept in the cache. Used by one thread.
#pragma once

#include "base/status.h"
#include "program/program.h"
#include "quant/cache.h"
#include "quant/export.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// `quantized` comes from calibration: layers, weights rounded to the nearest code, ranges. `key`
// names all that it follows from.
Status Refine(const program::Program& program, CalibrationData& data,
              const QuantizeOptions& options, const Cache& cache, const std::string& key,
              const QuantizeProgress& progress, Quantized* quantized);

}  // namespace skiff::quant
