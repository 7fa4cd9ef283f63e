// What the options of the quantiser must be, and the names of the algorithms.
#pragma once

#include "base/status.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// An error names the option.
Status CheckOptions(const QuantizeOptions& options);

}  // namespace skiff::quant
