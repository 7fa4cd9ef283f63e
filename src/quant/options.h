// What the options of the quantiser must be, and the names of the algorithms.
#pragma once

#include "base/status.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// Do the files have a place for codes 0..255?
inline bool CanSayFullRange(const QuantizeOptions& options) {
  return options.onnx_format && options.algo != CalibrationAlgorithm::kMinMax;
}

// An error names the option.
Status CheckOptions(const QuantizeOptions& options);

}  // namespace skiff::quant
