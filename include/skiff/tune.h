// Tune: searches the quantiser's options for those that cost a model least; in place of
// PaddleSlim's quant_post_hpo.
//
// The search is seeded and leaves a log of its trials: run again, it goes on where it stopped, to
// the same end. Thread-safety: distinct calls with distinct folders may run in distinct threads.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "skiff/export.h"
#include "skiff/quantize.h"

namespace skiff {

struct TuneOptions {
  // All that the search does not vary. With `quantize.evaluation` it looks for the least drop of
  // top-1, as a share of float's; else for the least mean distance between the standardised outputs
  // of both models.
  QuantizeOptions quantize;
  // What it varies. Ranges include both ends; equal ends fix a value.
  std::vector<CalibrationAlgorithm> algo = {CalibrationAlgorithm::kHist, CalibrationAlgorithm::kAvg,
                                            CalibrationAlgorithm::kMse, CalibrationAlgorithm::kKl};
  std::vector<bool> bias_correction = {false, true};
  std::vector<bool> weight_per_channel = {true};
  std::array<double, 2> hist_percent = {0.98, 0.99999};
  std::array<int64_t, 2> batch_size = {10, 30};
  std::array<int64_t, 2> batch_nums = {10, 30};
  int64_t runcount_limit = 30;  // trials
  uint64_t seed = 1;
};

struct TuneTrial {
  CalibrationAlgorithm algo = CalibrationAlgorithm::kHist;
  bool bias_correction = false;
  bool weight_per_channel = true;
  double hist_percent = 0;
  int64_t batch_size = 1;
  int64_t batch_nums = 1;
  double loss = 0;
};

struct TuneResult {
  std::vector<TuneTrial> trials;
  size_t best = 0;
  QuantizeReport report;  // of the best
};

// The calibration data in batches of a size; at most `batch_nums` of them, fewer where the data
// ends.
using OpenBatches =
    std::function<Result<std::unique_ptr<CalibrationData>>(int64_t batch_size, int64_t batch_nums)>;

// Writes the best model into the folder `out`, made if need be, and tune_trials.csv beside it. The
// first trial is what the options say by themselves.
SKIFF_API Result<TuneResult> Tune(const ModelSource& source, const OpenBatches& open,
                                  const TuneOptions& options, const std::string& out,
                                  const QuantizeProgress& progress = {});

}  // namespace skiff
