// The flags of `quantize`, which other verbs that make quantised models share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/options.h"
#include "skiff/quantize.h"

namespace skiff::cli {

struct QuantizeFlags {
  ModelOptions model;
  PreprocessFlags preprocess;
  QuantizeOptions options;
  std::string data;
  std::string types;
  std::string skip;
  std::string weight_type = "channel_wise_abs_max";
  // What was said; the recipe gives the rest.
  std::optional<Recipe> recipe;
  std::optional<CalibrationAlgorithm> algo;
  std::optional<RoundType> round_type;
  bool equalize = false;
  bool bias_correction = false;
  std::string cache_dir;
  bool no_cache = false;
  int64_t batch_size = 1;
  int64_t batch_nums = 0;
  bool old_format = false;
};

// --data, which model, batches.
void AddCalibrationFlags(Verb& verb, QuantizeFlags& flags);
// How to quantise.
void AddAlgorithmFlags(Verb& verb, QuantizeFlags& flags);
Status CheckQuantizeFlags(const QuantizeFlags& flags);

// Puts what was said as text into `flags.options` and opens the calibration data.
Result<std::unique_ptr<CalibrationData>> ResolveQuantizeFlags(QuantizeFlags& flags);

}  // namespace skiff::cli
