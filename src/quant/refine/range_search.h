// The threshold of a tensor whose rounding changes the outputs of its readers least.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "quant/refine/patches.h"

namespace skiff::quant {

// Some patches of the tensor as one reader sees them.
struct ReaderSample {
  const Patches* patches = nullptr;
  std::vector<float> matrix;  // the weight: [groups, outputs, length]
  std::vector<float> rows;    // [count, groups * length]
  int64_t count = 0;
  bool mean_is_free = false;  // a bias makes up for the mean error of each output
};

// Of shares of `largest`, the largest |x| seen. The readers' errors count relative to the power of
// their outputs. `codes`: of the grid.
Result<double> SearchThreshold(std::span<const ReaderSample> readers, double largest, int codes,
                               int threads);

}  // namespace skiff::quant
