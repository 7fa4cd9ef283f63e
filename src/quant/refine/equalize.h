// Cross-layer equalisation: channels of activations that share a grid get like ranges.
#pragma once

#include <string>

#include "base/status.h"
#include "program/program.h"
#include "quant/cache.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// Scales parameters of a float program so that it computes the same and loses less when its
// activations are rounded. relu6 is passed only where the data stay well below its bound, which
// then lies above all that was seen in the channel. One pass over the data, whose outcome is
// cached.
Status Equalize(CalibrationData& data, const QuantizeOptions& options, const Cache& cache,
                const std::string& key, const QuantizeProgress& progress,
                program::Program* program);

}  // namespace skiff::quant
