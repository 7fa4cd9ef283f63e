// Analyze: which tensors and layers of a model suffer from quantisation; in place of PaddleSlim's
// AnalysisPTQ and AnalysisQAT.
//
// Thread-safety: distinct calls with distinct folders may run in distinct threads. Ownership: the
// caller's data and options must live during the call.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "skiff/export.h"
#include "skiff/quantize.h"

namespace skiff {

struct AnalyzeOptions {
  // How to quantise. With `quantize.evaluation` the metric is top-1, else the cosine of the first
  // output with the float model's.
  QuantizeOptions quantize;
  std::string save_dir = "analysis_results";
  bool statistics = true;    // statistic.csv
  bool metric_error = true;  // analysis.txt
  bool resume = false;       // take over what an interrupted analysis has measured already
  // Leave the fewest layers in float, the most sensitive first, with which top-1 reaches this
  // share; written to target_quant_model. Needs `quantize.evaluation`.
  std::optional<double> target_metric;
  // A quantised model of the float one, after training with quantisation: its layers are put back
  // to float one at a time. Null: the float model's layers are quantised one at a time.
  const ModelSource* quant_model = nullptr;
};

struct TensorMoments {
  double least = 0;
  double largest = 0;
  double mean = 0;
  double deviation = 0;
};

struct AnalyzedTensor {
  std::string name;
  std::string weight;  // of an activation: the weight that it meets; empty: this is a weight
  TensorMoments fp32;
  TensorMoments quantized;
  TensorMoments difference;  // element by element
};

struct AnalyzedLayer {
  std::string name;  // of its weight
  double metric = 0;
  // What its rounding costs: float's metric less that with this layer alone quantised, or, with
  // quant_model, the metric with this layer put back less the quantised model's.
  double sensitivity = 0;
};

struct Analysis {
  std::vector<AnalyzedTensor> tensors;
  double metric = 0;                  // of the float model; of quant_model where there is one
  std::vector<AnalyzedLayer> layers;  // the most sensitive first
  std::optional<AccuracyFigures> target;
};

// Writes what the options ask for into `save_dir`, made if need be. A checkpoint there is kept up
// to date, so that nothing is lost when the process dies.
SKIFF_API Result<Analysis> Analyze(const ModelSource& source, CalibrationData& data,
                                   const AnalyzeOptions& options,
                                   const QuantizeProgress& progress = {});

}  // namespace skiff
