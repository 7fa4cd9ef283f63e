#include "quant/judge/analyze_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>

#include "quant/runner.h"

namespace skiff::quant {
namespace {

constexpr int64_t kMostBatches = 16;
constexpr float kMaxCode = 127;

class Moments {
 public:
  void Add(double v) {
    least_ = std::min(least_, v);
    largest_ = std::max(largest_, v);
    sum_ += v;
    squares_ += v * v;
    ++count_;
  }
  [[nodiscard]] TensorMoments Result() const {
    if (count_ == 0) return {};
    const double mean = sum_ / static_cast<double>(count_);
    const double variance = squares_ / static_cast<double>(count_) - mean * mean;
    return {least_, largest_, mean, std::sqrt(std::max(variance, 0.0))};
  }

 private:
  double least_ = HUGE_VAL;
  double largest_ = -HUGE_VAL;
  double sum_ = 0;
  double squares_ = 0;
  int64_t count_ = 0;
};

struct Sums {
  Moments fp32;
  Moments quantized;
  Moments difference;

  void Add(float want, float got) {
    fp32.Add(want);
    quantized.Add(got);
    difference.Add(static_cast<double>(want) - got);
  }
  [[nodiscard]] AnalyzedTensor Result(std::string name, std::string weight) const {
    return {std::move(name), std::move(weight), fp32.Result(), quantized.Result(),
            difference.Result()};
  }
};

AnalyzedTensor WeightStatistics(const std::string& name, const program::Tensor& tensor,
                                const QuantizedWeight& quantized) {
  const std::span<const float> w = tensor.As<float>();
  size_t inner = w.size();
  if (quantized.axis >= 0) {
    inner = 1;
    for (size_t d = static_cast<size_t>(quantized.axis) + 1; d < tensor.dims.size(); ++d) {
      inner *= static_cast<size_t>(tensor.dims[d]);
    }
  }
  Sums sums;
  for (size_t i = 0; i < w.size(); ++i) {
    const float range = quantized.thresholds[i / inner % quantized.thresholds.size()];
    sums.Add(w[i], static_cast<float>(quantized.codes[i]) * range / kMaxCode);
  }
  return sums.Result(name, "");
}

}  // namespace

Result<std::vector<AnalyzedTensor>> TensorStatistics(const Prepared& prepared,
                                                     CalibrationData& data,
                                                     const QuantizeOptions& options,
                                                     const QuantizeProgress& progress) {
  RunnerOptions run = RunnerOptionsOf(options);
  run.visible = true;
  SKIFF_ASSIGN_OR_RETURN(const auto reference, Runner::Make(prepared.program, run));
  run.precision = Precision::kSimulate;
  SKIFF_ASSIGN_OR_RETURN(const auto judged,
                         Runner::Make(ExportToRun(prepared.program, prepared.quantized), run));
  const std::vector<Layer>& layers = prepared.quantized.layers;
  std::vector<Sums> sums(layers.size());
  std::vector<float> scratch;
  std::vector<float> rounded;
  const int64_t batches = std::min(data.batches(), kMostBatches);
  for (int64_t i = 0; i < batches; ++i) {
    if (progress) progress("statistics", i, batches);
    SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> whole, data.Batch(i));
    const std::vector<TensorView> batch = FirstSample(whole, reference->model().input_infos);
    SKIFF_RETURN_IF_ERROR(reference->Run(batch));
    SKIFF_RETURN_IF_ERROR(judged->Run(batch));
    for (size_t l = 0; l < layers.size(); ++l) {
      if (!layers[l].why_float.empty()) continue;
      const RunTensor got = judged->Find(layers[l].activation);
      const std::span<const float> want =
          InOrderOf(got, reference->Find(layers[l].activation), &scratch);
      if (want.size() != got.data.size()) continue;
      const auto range = prepared.quantized.ranges.find(layers[l].activation);
      rounded.assign(got.data.begin(), got.data.end());
      RoundToGrid(range->second.Grid(), rounded);  // what the quantised operator reads
      for (size_t k = 0; k < want.size(); ++k) sums[l].Add(want[k], rounded[k]);
    }
  }
  std::vector<AnalyzedTensor> tensors;
  for (size_t l = 0; l < layers.size(); ++l) {
    if (!layers[l].why_float.empty()) continue;
    tensors.push_back(WeightStatistics(layers[l].weight,
                                       prepared.program.params.at(layers[l].weight),
                                       prepared.quantized.weights.at(layers[l].weight)));
    tensors.push_back(sums[l].Result(layers[l].activation, layers[l].weight));
  }
  return tensors;
}

std::string StatisticsCsv(const std::vector<AnalyzedTensor>& tensors) {
  std::string csv = "Var Name,Var Type,Corresponding Weight Name";
  for (const char* of : {"FP32", "Quantized", "Diff"}) {
    for (const char* what : {"Min", "Max", "Mean", "Std"}) {
      csv += std::string(",") + of + " " + what;
    }
  }
  csv += "\n";
  for (const AnalyzedTensor& tensor : tensors) {
    csv += tensor.name +
           (tensor.weight.empty() ? ",Weight," + tensor.name : ",Activation," + tensor.weight);
    for (const TensorMoments* m : {&tensor.fp32, &tensor.quantized, &tensor.difference}) {
      std::array<char, 160> text{};
      std::snprintf(text.data(), text.size(), ",%.4f,%.4f,%.4f,%.4f", m->least, m->largest, m->mean,
                    m->deviation);
      csv += text.data();
    }
    csv += "\n";
  }
  return csv;
}

}  // namespace skiff::quant
