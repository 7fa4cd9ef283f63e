#include "quant/judge/layer_figures.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "quant/judge/error_sums.h"
#include "quant/runner.h"

namespace skiff::quant {
namespace {

// More batches change no figure by what a reader could see.
constexpr int64_t kMostBatches = 16;
constexpr size_t kBins = 256;
constexpr double kMaxCode = 127;

// A tensor's values over all batches; its range is known from calibration.
class ActivationSums {
 public:
  explicit ActivationSums(const TensorRange& range)
      : threshold_(range.threshold), codes_(range.codes), reach_(std::max(range.largest, 1e-30)) {
    bins_.resize(kBins);
  }

  void Add(std::span<const float> x) {
    const double scale = kBins / (2 * reach_);
    const double least_code = threshold_ / codes_ / 2;
    for (float v : x) {
      const double size = std::fabs(v);
      const auto bin = static_cast<int64_t>((v + reach_) * scale);
      ++bins_[static_cast<size_t>(std::clamp<int64_t>(bin, 0, kBins - 1))];
      clipped_ += size > threshold_ ? 1 : 0;
      zeroed_ += size > 0 && size < least_code ? 1 : 0;
      least_ = std::min<double>(least_, v);
      largest_ = std::max<double>(largest_, v);
      sum_ += v;
      squares_ += static_cast<double>(v) * v;
    }
    count_ += static_cast<int64_t>(x.size());
  }

  [[nodiscard]] ActivationFigures Figures() const {
    ActivationFigures figures;
    if (count_ == 0) return figures;
    const auto count = static_cast<double>(count_);
    figures.least = least_;
    figures.largest = largest_;
    figures.mean = sum_ / count;
    figures.deviation = std::sqrt(std::max(squares_ / count - figures.mean * figures.mean, 0.0));
    figures.clipped = static_cast<double>(clipped_) / count;
    figures.zeroed = static_cast<double>(zeroed_) / count;
    figures.histogram = Trimmed();
    return figures;
  }

 private:
  // Without the empty bins at both ends.
  [[nodiscard]] Histogram Trimmed() const {
    size_t from = 0;
    size_t to = kBins;
    while (from + 1 < to && bins_[from] == 0) ++from;
    while (to > from + 1 && bins_[to - 1] == 0) --to;
    const double width = 2 * reach_ / kBins;
    Histogram histogram;
    histogram.low = static_cast<double>(from) * width - reach_;
    histogram.high = static_cast<double>(to) * width - reach_;
    histogram.bins.assign(bins_.begin() + static_cast<std::ptrdiff_t>(from),
                          bins_.begin() + static_cast<std::ptrdiff_t>(to));
    return histogram;
  }

  double threshold_;
  double codes_;
  double reach_;
  std::vector<int64_t> bins_;
  int64_t count_ = 0;
  int64_t clipped_ = 0;
  int64_t zeroed_ = 0;
  double least_ = HUGE_VAL;
  double largest_ = -HUGE_VAL;
  double sum_ = 0;
  double squares_ = 0;
};

double Rank(const std::vector<float>& sorted, double share) {
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5)];
}

// What the integers of one weight cost.
WeightFigures FiguresOfWeight(std::span<const float> w, const QuantizedWeight* quantized,
                              std::span<const int64_t> dims) {
  WeightFigures figures;
  if (w.empty()) return figures;
  std::vector<float> sorted(w.begin(), w.end());
  std::sort(sorted.begin(), sorted.end());
  for (size_t q = 0; q < 5; ++q) figures.quartiles[q] = Rank(sorted, static_cast<double>(q) / 4);
  double sum = 0;
  double squares = 0;
  for (float v : w) {
    sum += v;
    squares += static_cast<double>(v) * v;
  }
  const double mean = sum / static_cast<double>(w.size());
  figures.deviation =
      std::sqrt(std::max(squares / static_cast<double>(w.size()) - mean * mean, 0.));
  if (quantized == nullptr || quantized->codes.size() != w.size()) return figures;
  std::vector<float> ranges = quantized->thresholds;
  std::sort(ranges.begin(), ranges.end());
  figures.spread = ranges.back() / std::max<double>(Rank(ranges, 0.5), 1e-30);
  size_t inner = w.size();
  if (quantized->axis >= 0) {
    inner = 1;
    for (size_t d = static_cast<size_t>(quantized->axis) + 1; d < dims.size(); ++d) {
      inner *= static_cast<size_t>(dims[d]);
    }
  }
  std::vector<float> back(w.size());
  const std::vector<float>& thresholds = quantized->thresholds;
  for (size_t i = 0; i < w.size(); ++i) {
    back[i] = static_cast<float>(quantized->codes[i]) * thresholds[i / inner % thresholds.size()] /
              static_cast<float>(kMaxCode);
  }
  ErrorSums error;
  error.Add(w, back);
  figures.sqnr_db = error.Error().sqnr_db;
  return figures;
}

// The float model and the quantised one side by side, every tensor in sight.
class ErrorPass {
 public:
  ErrorPass(Runner& reference, Runner& judged, const std::vector<Layer>& layers,
            const Ranges& ranges)
      : reference_(reference), judged_(judged) {
    alone_.resize(layers.size());
    cumulative_.resize(layers.size());
    for (const Layer& layer : layers) {
      const auto range = ranges.find(layer.activation);
      if (range != ranges.end()) activations_.emplace(layer.activation, range->second);
    }
    for (size_t i = 0; i < layers.size(); ++i) by_output_.emplace(layers[i].output, i);
  }

  Status Batch(std::span<const TensorView> batch) {
    SKIFF_RETURN_IF_ERROR(reference_.Run(batch));
    for (auto& [name, sums] : activations_) sums.Add(reference_.Find(name).data);
    SKIFF_RETURN_IF_ERROR(judged_.SetInputs(batch));
    SKIFF_RETURN_IF_ERROR(judged_.context().Prepare());
    SKIFF_RETURN_IF_ERROR(RunTaught());
    SKIFF_RETURN_IF_ERROR(judged_.Run(batch));
    for (const auto& [output, i] : by_output_) Compare(output, &cumulative_[i]);
    return OkStatus();
  }

  [[nodiscard]] ActivationFigures Activation(const std::string& name) const {
    const auto it = activations_.find(name);
    return it == activations_.end() ? ActivationFigures{} : it->second.Figures();
  }
  [[nodiscard]] OutputError Alone(size_t i) const { return alone_[i].Error(); }
  [[nodiscard]] OutputError Cumulative(size_t i) const { return cumulative_[i].Error(); }

 private:
  void Compare(const std::string& name, ErrorSums* sums) {
    const RunTensor got = judged_.Find(name);
    const std::span<const float> want = InOrderOf(got, reference_.Find(name), &scratch_);
    if (want.size() == got.data.size()) sums->Add(want, got.data);
  }

  // Every tensor that a step wrote is replaced by the float model's, once it was judged, so that
  // each step reads what it would read if all others were float.
  Status RunTaught() {
    const plan::Model& model = judged_.model();
    for (size_t s = 0; s < model.steps.size(); ++s) {
      SKIFF_RETURN_IF_ERROR(judged_.context().RunStep(s));
      for (int v : model.steps[s].outputs) {
        const std::string& name = model.values[static_cast<size_t>(v)].name;
        const RunTensor got = judged_.Find(name);
        const std::span<const float> want = InOrderOf(got, reference_.Find(name), &scratch_);
        if (want.empty() || want.size() != got.data.size()) continue;
        const auto layer = by_output_.find(name);
        if (layer != by_output_.end()) alone_[layer->second].Add(want, got.data);
        std::copy(want.begin(), want.end(), got.data.begin());
      }
    }
    return OkStatus();
  }

  Runner& reference_;
  Runner& judged_;
  std::map<std::string, ActivationSums> activations_;
  std::map<std::string, size_t> by_output_;
  std::vector<ErrorSums> alone_;
  std::vector<ErrorSums> cumulative_;
  std::vector<float> scratch_;
};

}  // namespace

FusedNames::FusedNames(const program::Program& program) {
  std::map<std::string, int> readers;
  for (const program::OpDesc& op : program.blocks[0].ops) {
    for (const program::Argument& argument : op.inputs) {
      for (const std::string& name : argument.names) ++readers[name];
    }
  }
  for (const program::OpDesc& op : program.blocks[0].ops) {
    if (op.type == "fetch" || op.outputs.empty()) continue;
    std::string out;
    for (const program::Argument& argument : op.outputs) {
      const bool main = argument.slot == "Out" || argument.slot == "Y" || argument.slot == "Output";
      if (main && argument.names.size() == 1) out = argument.names[0];
    }
    for (const program::Argument& argument : op.inputs) {
      for (const std::string& name : argument.names) {
        if (readers[name] == 1) next_[name] = out;
      }
    }
  }
}

std::string FusedNames::Next(const std::string& name) const {
  const auto it = next_.find(name);
  return it == next_.end() || it->second == name ? std::string() : it->second;
}

Status MeasureErrors(const Prepared& prepared, CalibrationData& data,
                     const QuantizeOptions& options, const QuantizeProgress& progress,
                     QuantizeReport* report) {
  RunnerOptions run = RunnerOptionsOf(options);
  run.visible = true;
  SKIFF_ASSIGN_OR_RETURN(const auto reference, Runner::Make(prepared.program, run));
  run.precision = Precision::kSimulate;
  const program::Program exported = ExportToRun(prepared.program, prepared.quantized);
  SKIFF_ASSIGN_OR_RETURN(const auto judged, Runner::Make(exported, run));
  const std::vector<Layer>& layers = prepared.quantized.layers;
  ErrorPass pass(*reference, *judged, layers, prepared.quantized.ranges);
  const int64_t batches = std::min(data.batches(), kMostBatches);
  for (int64_t i = 0; i < batches; ++i) {
    if (progress) progress("errors by layer", i, batches);
    SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(i));
    SKIFF_RETURN_IF_ERROR(pass.Batch(FirstSample(batch, reference->model().input_infos)));
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    LayerFigures& figures = report->layers[i].figures;
    const auto weight = prepared.program.params.find(layers[i].weight);
    if (weight == prepared.program.params.end() || weight->second.dtype != DType::kFloat32)
      continue;
    figures.batches = batches;
    figures.activation = pass.Activation(layers[i].activation);
    figures.alone = pass.Alone(i);
    figures.cumulative = pass.Cumulative(i);
    const auto codes = prepared.quantized.weights.find(layers[i].weight);
    figures.weight = FiguresOfWeight(
        weight->second.As<float>(),
        codes == prepared.quantized.weights.end() ? nullptr : &codes->second, weight->second.dims);
  }
  return OkStatus();
}

}  // namespace skiff::quant
