#include "quant/judge/measure.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "quant/judge/layer_figures.h"
#include "quant/judge/output_figures.h"
#include "quant/runner.h"
#include "quant/write_files.h"

namespace skiff::quant {
namespace {

constexpr int64_t kMostSamples = 128;

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

// Both models' outputs on the calibration data; no samples when they cannot be compared.
Result<OutputFigures> CompareOutputs(const program::Program& original,
                                     const program::Program& quantized, CalibrationData& data,
                                     const QuantizeOptions& options,
                                     const QuantizeProgress& progress) {
  SKIFF_ASSIGN_OR_RETURN(const auto reference, Runner::Make(original, RunnerOptionsOf(options)));
  SKIFF_ASSIGN_OR_RETURN(const auto judged,
                         Runner::Make(quantized, RunnerOptionsOf(options, Precision::kInt8)));
  OutputComparison comparison;
  int64_t samples = 0;
  for (int64_t i = 0; i < data.batches() && samples < kMostSamples; ++i) {
    if (progress) progress("checking the output", i, data.batches());
    SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(i));
    SKIFF_RETURN_IF_ERROR(reference->Run(batch));
    SKIFF_RETURN_IF_ERROR(judged->Run(batch));
    const Result<TensorView> want = reference->Output();
    const Result<TensorView> got = judged->Output();
    if (!want.ok() || !got.ok() || want->dims != got->dims || want->bytes == 0) break;
    comparison.Add(want->dims, Floats(*want), Floats(*got));
    samples += want->dims.empty() ? 1 : want->dims[0];
  }
  return comparison.Figures();
}

}  // namespace

Status Measure(const Prepared& prepared, const Judgement& judgement, CalibrationData& data,
               const QuantizeOptions& options, const QuantizeProgress& progress,
               QuantizeReport* report) {
  const program::Program& original = prepared.original;
  report->accuracy = judgement.accuracy;
  for (size_t i = 0; i < judgement.sensitivity.size(); ++i) {
    report->layers[i].figures.sensitivity = judgement.sensitivity[i];
  }
  if (judgement.accuracy) WarnOfDrop(*judgement.accuracy, report);
  if (options.report == ReportDetail::kNone) return OkStatus();
  const program::Program quantized = ExportToRun(prepared.program, prepared.quantized);
  report->size = {ParameterBytes(original),
                  ParameterBytes(Export(prepared.program, prepared.quantized, options))};
  SKIFF_ASSIGN_OR_RETURN(report->output,
                         CompareOutputs(original, quantized, data, options, progress));
  const std::string ruin = WhyRuined(report->output);
  if (!ruin.empty()) report->warnings.push_back(ruin);
  if (options.report == ReportDetail::kOutput) return OkStatus();
  SKIFF_RETURN_IF_ERROR(MeasureErrors(prepared, data, options, progress, report));
  SKIFF_RETURN_IF_ERROR(MeasureTimes(original, quantized, data, options, report));
  report->advice = AdviceFor(*report, options);
  return OkStatus();
}

}  // namespace skiff::quant
