// Sensitivity: which layers' rounding costs how much, and how few of them must stay float.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "quant/judge/output_figures.h"
#include "quant/prepare.h"
#include "quant/runner.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// Inputs of some batches and the float model's outputs for them, in memory.
class OutputJudge {
 public:
  // The first batches of the data, as many as fit in a bound.
  static Result<std::unique_ptr<OutputJudge>> Make(const program::Program& original,
                                                   CalibrationData& data,
                                                   const QuantizeOptions& options);

  // How far a quantised program's output is from float's: the mean divergence of a classifier, in
  // nats, else the noise as a share of the signal.
  Result<double> Loss(const program::Program& quantized) const;
  Result<OutputFigures> Figures(const program::Program& quantized) const;
  // The mean distance of standardised outputs.
  Result<double> Distance(const program::Program& quantized) const;

 private:
  explicit OutputJudge(const QuantizeOptions& options) : options_(options) {}
  Result<OutputComparison> Compare(const program::Program& quantized) const;
  Status Keep(const std::vector<TensorView>& batch, const TensorView& output);

  struct Sample {
    std::vector<TensorView> inputs;  // of `memory`
    std::vector<std::vector<std::byte>> memory;
    std::vector<int64_t> dims;
    std::vector<float> output;
  };
  QuantizeOptions options_;
  std::vector<Sample> samples_;
  size_t bytes_ = 0;
};

// Layers that read one weight can only be quantised together: indices into `layers`, of those that
// are quantised now.
std::vector<std::vector<size_t>> LayerGroups(const std::vector<Layer>& layers);

// What leaving a group in float takes away from the loss of the whole model, by index of layer; 0
// for layers that are float anyway.
Result<std::vector<double>> MeasureSensitivity(const OutputJudge& judge, const Prepared& prepared,
                                               const QuantizeProgress& progress);

// With `options.max_drop`: leaves the fewest layers in float, the most sensitive first, with which
// top-1 on the even samples of the evaluation data drops by no more; then measures the odd ones.
// With evaluation data alone: measures all of it. Changes why_float of `prepared`'s layers. An
// error when no layer at all could be quantised within the bound.
Result<AccuracyFigures> MeetBound(const std::vector<double>& sensitivity,
                                  const QuantizeOptions& options, const QuantizeProgress& progress,
                                  Prepared* prepared);

// The same with a share that top-1 on all of the evaluation data must reach. An error when the
// float model does not.
Result<AccuracyFigures> MeetTarget(const std::vector<double>& sensitivity, double target,
                                   QuantizeOptions options, const QuantizeProgress& progress,
                                   Prepared* prepared);

// What a model's output says of its layers.
struct Judgement {
  std::vector<double> sensitivity;  // by layer; empty: not measured
  std::optional<AccuracyFigures> accuracy;
};
// All of the above that the options ask for.
Result<Judgement> Judge(CalibrationData& data, const QuantizeOptions& options,
                        const QuantizeProgress& progress, Prepared* prepared);

}  // namespace skiff::quant
