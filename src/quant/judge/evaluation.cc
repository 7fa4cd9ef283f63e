#include "quant/judge/evaluation.h"

#include <algorithm>
#include <cmath>

#include "quant/judge/output_figures.h"
#include "quant/runner.h"
#include "quant/stoppable_data.h"

namespace skiff::quant {

int64_t Evaluation::per_batch() const {
  const LabelledData& data = *options_.evaluation;
  return static_cast<int64_t>(data.labels.size()) / data.data->batches();
}

Status Evaluation::AddLabels(const TensorView& output, Labels* labels) const {
  const int64_t samples = output.dims.empty() ? 0 : output.dims[0];
  if (!HasScores(output.dims) || samples != per_batch()) {
    return InvalidArgument(
        "the evaluation list has labels, but the model's output is no row of "
        "scores for each picture");
  }
  const auto size = output.bytes / sizeof(float) / static_cast<size_t>(samples);
  const auto* scores = static_cast<const float*>(output.data);
  for (int64_t s = 0; s < samples; ++s) {
    const int64_t label = options_.evaluation->labels[labels->size()];
    if (label < 0 || label >= static_cast<int64_t>(size)) {
      return InvalidArgument("label " + std::to_string(label) + " of evaluation sample " +
                             std::to_string(labels->size()) + " is none of the model's " +
                             std::to_string(size) + " classes");
    }
    labels->push_back(Top({scores + static_cast<size_t>(s) * size, size}));
  }
  return OkStatus();
}

Result<Labels> Evaluation::Predict(const program::Program& program, Precision precision, Half half,
                                   std::string_view stage) const {
  SKIFF_ASSIGN_OR_RETURN(const auto runner,
                         Runner::Make(program, RunnerOptionsOf(options_, precision)));
  CalibrationData& data = *options_.evaluation->data;
  Labels labels;
  for (int64_t i = 0; i < data.batches(); ++i) {
    SKIFF_RETURN_IF_ERROR(GoOn(options_));
    if (progress_) progress_(stage, i, data.batches());
    if (half != Half::kAll && (i % 2 == 0) != (half == Half::kEven)) {
      labels.insert(labels.end(), static_cast<size_t>(per_batch()), -1);
      continue;
    }
    SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(i));
    SKIFF_RETURN_IF_ERROR(runner->Run(batch));
    SKIFF_ASSIGN_OR_RETURN(const TensorView output, runner->Output());
    SKIFF_RETURN_IF_ERROR(AddLabels(output, &labels));
  }
  return labels;
}

AccuracyFigures Evaluation::Compare(const Labels& fp32, const Labels& int8) const {
  AccuracyFigures figures;
  int64_t only_fp32 = 0;
  int64_t only_int8 = 0;
  for (size_t i = 0; i < fp32.size(); ++i) {
    if (fp32[i] < 0 || int8[i] < 0) continue;
    const int64_t label = options_.evaluation->labels[i];
    ++figures.samples;
    figures.top1_fp32 += fp32[i] == label ? 1 : 0;
    figures.top1_int8 += int8[i] == label ? 1 : 0;
    figures.agreement += fp32[i] == int8[i] ? 1 : 0;
    only_fp32 += fp32[i] == label && int8[i] != label ? 1 : 0;
    only_int8 += fp32[i] != label && int8[i] == label ? 1 : 0;
  }
  const auto samples = static_cast<double>(std::max<int64_t>(figures.samples, 1));
  figures.top1_fp32 /= samples;
  figures.top1_int8 /= samples;
  figures.agreement /= samples;
  figures.sigma = std::sqrt(static_cast<double>(only_fp32 + only_int8)) / samples;
  return figures;
}

}  // namespace skiff::quant
