#include "quant/judge/measure.h"

#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <utility>

#include "base/memory.h"
#include "quant/judge/layer_figures.h"
#include "quant/judge/output_figures.h"
#include "quant/runner.h"
#include "quant/write_files.h"

namespace skiff::quant {
namespace {

constexpr int64_t kMostSamples = 128;
constexpr size_t kMostBytes = size_t{32} << 20;  // of the float model's outputs

std::span<const float> Floats(const TensorView& view) {
  return {static_cast<const float*>(view.data), view.bytes / sizeof(float)};
}

// Top-1 that is lower for more than chance.
void WarnOfDrop(const AccuracyFigures& accuracy, QuantizeReport* report) {
  constexpr double kMuch = 0.03;
  const double drop = accuracy.top1_fp32 - accuracy.top1_int8;
  if (drop - 2 * accuracy.sigma < kMuch) return;
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "top-1 falls from %.2f %% to %.2f %% on %lld samples",
                100 * accuracy.top1_fp32, 100 * accuracy.top1_int8,
                static_cast<long long>(accuracy.samples));
  report->warnings.emplace_back(text.data());
}

// The first output of a run, in memory.
struct KeptOutput {
  std::vector<int64_t> dims;
  std::vector<float> values;
};

// Runs a model over the first batches and shows `see` each output, until it says that it has seen
// enough. The model is in memory no longer than that.
Status ForEachOutput(std::unique_ptr<Runner> runner, CalibrationData& data, std::string_view stage,
                     const QuantizeProgress& progress,
                     const std::function<bool(const Result<TensorView>&)>& see) {
  for (int64_t i = 0; i < data.batches(); ++i) {
    if (progress) progress(stage, i, data.batches());
    SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(i));
    SKIFF_RETURN_IF_ERROR(runner->Run(batch));
    if (!see(runner->Output())) break;
  }
  runner.reset();
  ReturnFreeMemory();
  return OkStatus();
}

// Batch by batch; ends early at an output that is no float tensor.
Result<std::vector<KeptOutput>> OutputsInFloat(const OriginalModel& original, CalibrationData& data,
                                               const QuantizeOptions& options,
                                               const QuantizeProgress& progress,
                                               int64_t* parameter_bytes) {
  std::unique_ptr<Runner> runner;
  {
    SKIFF_ASSIGN_OR_RETURN(const program::Program program, original.Load());
    *parameter_bytes = ParameterBytes(program);
    SKIFF_ASSIGN_OR_RETURN(runner, Runner::Make(program, RunnerOptionsOf(options)));
  }
  std::vector<KeptOutput> outputs;
  int64_t samples = 0;
  size_t bytes = 0;
  const auto keep = [&](const Result<TensorView>& output) {
    if (!output.ok() || output->bytes == 0) return false;
    const std::span<const float> values = Floats(*output);
    outputs.push_back({output->dims, {values.begin(), values.end()}});
    samples += output->dims.empty() ? 1 : output->dims[0];
    bytes += output->bytes;
    return samples < kMostSamples && bytes < kMostBytes;
  };
  SKIFF_RETURN_IF_ERROR(
      ForEachOutput(std::move(runner), data, "the output in float", progress, keep));
  return outputs;
}

// The quantised model's outputs against those; no samples when they cannot be compared.
Result<OutputFigures> CompareOutputs(const std::vector<KeptOutput>& in_float,
                                     const program::Program& quantized, CalibrationData& data,
                                     const QuantizeOptions& options,
                                     const QuantizeProgress& progress) {
  OutputComparison comparison;
  if (in_float.empty()) return comparison.Figures();
  SKIFF_ASSIGN_OR_RETURN(auto runner,
                         Runner::Make(quantized, RunnerOptionsOf(options, Precision::kInt8)));
  size_t next = 0;
  const auto compare = [&](const Result<TensorView>& output) {
    const KeptOutput& want = in_float[next++];
    if (!output.ok() || output->dims != want.dims) return false;
    comparison.Add(want.dims, want.values, Floats(*output));
    return next < in_float.size();
  };
  SKIFF_RETURN_IF_ERROR(
      ForEachOutput(std::move(runner), data, "checking the output", progress, compare));
  return comparison.Figures();
}

}  // namespace

Status MeasureLayers(const Prepared& prepared, const Judgement& judgement, CalibrationData& data,
                     const QuantizeOptions& options, const QuantizeProgress& progress,
                     QuantizeReport* report) {
  report->accuracy = judgement.accuracy;
  for (size_t i = 0; i < judgement.sensitivity.size(); ++i) {
    report->layers[i].figures.sensitivity = judgement.sensitivity[i];
  }
  if (judgement.accuracy) WarnOfDrop(*judgement.accuracy, report);
  if (options.report != ReportDetail::kLayers) return OkStatus();
  return MeasureErrors(prepared, data, options, progress, report);
}

Status MeasureModels(const OriginalModel& original, const Exported& exported, CalibrationData& data,
                     const QuantizeOptions& options, const QuantizeProgress& progress,
                     QuantizeReport* report) {
  if (options.report == ReportDetail::kNone) return OkStatus();
  report->size.bytes_int8 = ParameterBytes(exported.to_write);
  SKIFF_ASSIGN_OR_RETURN(
      const std::vector<KeptOutput> in_float,
      OutputsInFloat(original, data, options, progress, &report->size.bytes_fp32));
  SKIFF_ASSIGN_OR_RETURN(report->output,
                         CompareOutputs(in_float, exported.to_run, data, options, progress));
  const std::string ruin = WhyRuined(report->output);
  if (!ruin.empty()) report->warnings.push_back(ruin);
  if (options.report == ReportDetail::kOutput) return OkStatus();
  SKIFF_RETURN_IF_ERROR(MeasureTimes(original, exported.to_run, data, options, report));
  report->advice = AdviceFor(*report, options);
  return OkStatus();
}

}  // namespace skiff::quant
