// The flags of `quantize`, which other verbs that make quantised models share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/calibration.h"
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
  std::vector<std::string> same_scale;
  std::string weight_type = "channel_wise_abs_max";
  // What was said; the recipe gives the rest.
  std::optional<Recipe> recipe;
  std::optional<CalibrationAlgorithm> algo;
  std::optional<RoundType> round_type;
  bool equalize = false;
  bool bias_correction = false;
  std::optional<bool> int8_must_pay;
  std::optional<FullRange> full_range;
  std::string cache_dir;
  bool no_cache = false;
  int64_t batch_size = 1;
  int64_t batch_nums = 0;
  bool old_format = false;
  std::string eval_list;
  Evaluation evaluation;  // of eval_list
};

// --data and which model.
void AddDataFlags(Verb& verb, QuantizeFlags& flags);
// And batches.
void AddCalibrationFlags(Verb& verb, QuantizeFlags& flags);
// --eval_list: where accuracy is measured.
void AddEvaluationFlag(Verb& verb, QuantizeFlags& flags);
// What to quantise, and how to write it.
void AddExportFlags(Verb& verb, QuantizeFlags& flags);
// And how ranges are found.
void AddAlgorithmFlags(Verb& verb, QuantizeFlags& flags);
Status CheckQuantizeFlags(const QuantizeFlags& flags);

// Puts what was said as text into `flags.options` and opens the data; from now on Ctrl-C ends the
// work at its next safe point. `flags` must stay where it is.
Result<std::unique_ptr<CalibrationData>> ResolveQuantizeFlags(QuantizeFlags& flags);

}  // namespace skiff::cli
