// Calibrate: runs the float model over the data and reduces each tensor of interest to a threshold.
//
// Memory does not grow with the data: one batch's tensors and an observer for each are held.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/status.h"
#include "program/program.h"
#include "quant/cache.h"
#include "quant/calibrate/thresholds.h"
#include "skiff/quantize.h"

namespace skiff::quant {

inline constexpr int kFullRangeCodes = 255;

struct TensorRange {
  double threshold = 0;
  double largest = 0;  // |x| seen
  float least = 0;     // x seen
  float most = 0;
  int codes = 127;  // the largest code: 127, or 255 of what is never negative

  [[nodiscard]] ActivationGrid Grid() const { return {static_cast<float>(threshold), codes}; }
};
using Ranges = std::map<std::string, TensorRange, std::less<>>;

struct Calibrated {
  Ranges ranges;
  int64_t batches = 0;  // that were read: all, or those until ranges were stable
};

// `names`: variables of the program's first block; those that are no float tensors are left out of
// the answer. What was seen is kept in the cache every few seconds; `key` names program and data.
// Errors: data that does not fit the inputs, values that are not finite (naming the
// tensor and the batch).
Result<Calibrated> Calibrate(const program::Program& program, const std::set<std::string>& names,
                             CalibrationData& data, const QuantizeOptions& options,
                             const Cache& cache, const std::string& key,
                             const QuantizeProgress& progress);

}  // namespace skiff::quant
