#include "quant/judge/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "quant/stoppable_data.h"

namespace skiff::quant {
namespace {

// Every layer is tried on this much: enough to rank them, and little enough to try all.
constexpr int64_t kMostBatches = 32;
constexpr size_t kMostBytes = size_t{64} << 20;

// The float model is in memory no longer than that.
Result<std::unique_ptr<OutputJudge>> JudgeOf(const Prepared& prepared, CalibrationData& data,
                                             const QuantizeOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const program::Program original, prepared.original.Load());
  return OutputJudge::Make(original, data, options);
}

}  // namespace

Result<std::unique_ptr<OutputJudge>> OutputJudge::Make(const program::Program& original,
                                                       CalibrationData& data,
                                                       const QuantizeOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const auto reference, Runner::Make(original, RunnerOptionsOf(options)));
  std::unique_ptr<OutputJudge> judge(new OutputJudge(options));
  const int64_t batches = std::min(data.batches(), kMostBatches);
  for (int64_t i = 0; i < batches && judge->bytes_ < kMostBytes; ++i) {
    SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(i));
    SKIFF_RETURN_IF_ERROR(reference->Run(batch));
    SKIFF_ASSIGN_OR_RETURN(const TensorView output, reference->Output());
    SKIFF_RETURN_IF_ERROR(judge->Keep(batch, output));
  }
  return judge;
}

Status OutputJudge::Keep(const std::vector<TensorView>& batch, const TensorView& output) {
  Sample& sample = samples_.emplace_back();
  sample.inputs = batch;
  for (TensorView& input : sample.inputs) {
    const auto* begin = static_cast<const std::byte*>(input.data);
    input.data = sample.memory.emplace_back(begin, begin + input.bytes).data();
    bytes_ += input.bytes;
  }
  const auto* begin = static_cast<const float*>(output.data);
  sample.output.assign(begin, begin + output.bytes / sizeof(float));
  sample.dims = output.dims;
  bytes_ += output.bytes;
  return OkStatus();
}

Result<double> OutputJudge::Loss(const program::Program& quantized) const {
  SKIFF_ASSIGN_OR_RETURN(const OutputFigures figures, Figures(quantized));
  return figures.classifier ? figures.divergence : std::pow(10, -figures.error.sqnr_db / 10);
}

Result<OutputFigures> OutputJudge::Figures(const program::Program& quantized) const {
  SKIFF_ASSIGN_OR_RETURN(const OutputComparison comparison, Compare(quantized));
  return comparison.Figures();
}

Result<double> OutputJudge::Distance(const program::Program& quantized) const {
  SKIFF_ASSIGN_OR_RETURN(const OutputComparison comparison, Compare(quantized));
  return comparison.Distance();
}

Result<OutputComparison> OutputJudge::Compare(const program::Program& quantized) const {
  SKIFF_ASSIGN_OR_RETURN(const auto runner,
                         Runner::Make(quantized, RunnerOptionsOf(options_, Precision::kInt8)));
  OutputComparison comparison;
  for (const Sample& sample : samples_) {
    SKIFF_RETURN_IF_ERROR(GoOn(options_));
    SKIFF_RETURN_IF_ERROR(runner->Run(sample.inputs));
    SKIFF_ASSIGN_OR_RETURN(const TensorView output, runner->Output());
    if (output.dims != sample.dims) {
      return Internal("the quantised model's output has another shape than the float model's");
    }
    comparison.Add(sample.dims, sample.output,
                   {static_cast<const float*>(output.data), sample.output.size()});
  }
  return comparison;
}

std::vector<std::vector<size_t>> LayerGroups(const std::vector<Layer>& layers) {
  std::map<std::string, std::vector<size_t>> by_weight;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].why_float.empty()) by_weight[layers[i].weight].push_back(i);
  }
  std::vector<std::vector<size_t>> groups;
  for (auto& [weight, group] : by_weight) groups.push_back(std::move(group));
  std::sort(groups.begin(), groups.end());  // by the first layer: the program's order
  return groups;
}

Result<std::vector<double>> MeasureSensitivity(const OutputJudge& judge, const Prepared& prepared,
                                               const QuantizeProgress& progress) {
  Quantized trial = prepared.quantized;
  const auto loss = [&] { return judge.Loss(ExportToRun(prepared.program, trial)); };
  SKIFF_ASSIGN_OR_RETURN(const double all, loss());
  std::vector<double> sensitivity(trial.layers.size(), 0);
  const std::vector<std::vector<size_t>> groups = LayerGroups(trial.layers);
  for (size_t g = 0; g < groups.size(); ++g) {
    if (progress) {
      progress("sensitivity by layer", static_cast<int64_t>(g),
               static_cast<int64_t>(groups.size()));
    }
    for (size_t i : groups[g]) trial.layers[i].why_float = "on trial";
    SKIFF_ASSIGN_OR_RETURN(const double without, loss());
    for (size_t i : groups[g]) {
      trial.layers[i].why_float.clear();
      sensitivity[i] = all - without;
    }
  }
  return sensitivity;
}

Result<Judgement> Judge(CalibrationData& data, const QuantizeOptions& options,
                        const QuantizeProgress& progress, Prepared* prepared) {
  Judgement judgement;
  if (options.sensitivity || options.max_drop) {
    SKIFF_ASSIGN_OR_RETURN(const auto judge, JudgeOf(*prepared, data, options));
    SKIFF_ASSIGN_OR_RETURN(judgement.sensitivity, MeasureSensitivity(*judge, *prepared, progress));
  }
  if (options.evaluation == nullptr) return judgement;
  SKIFF_ASSIGN_OR_RETURN(judgement.accuracy,
                         MeetBound(judgement.sensitivity, options, progress, prepared));
  return judgement;
}

}  // namespace skiff::quant
