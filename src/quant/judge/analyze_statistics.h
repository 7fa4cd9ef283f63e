// The moments of weights and activations, in float and quantised.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "quant/prepare.h"
#include "skiff/analyze.h"

namespace skiff::quant {

// Of every quantised layer's weight and of the activation that meets it, over the first sample of
// some batches.
Result<std::vector<AnalyzedTensor>> TensorStatistics(const Prepared& prepared,
                                                     CalibrationData& data,
                                                     const QuantizeOptions& options,
                                                     const QuantizeProgress& progress);

// PaddleSlim's statistic.csv.
std::string StatisticsCsv(const std::vector<AnalyzedTensor>& tensors);

}  // namespace skiff::quant
