#include "quant/refine/refine.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "quant/quantized_state.h"
#include "quant/refine/refine_layer.h"
#include "quant/tracer.h"

namespace skiff::quant {
namespace {

// Bytes of moments and samples that one group of layers may hold.
constexpr size_t kGroupBytes = size_t{224} << 20;
// Of the range search: patches of a layer, and the batches that they come from. Many batches: what
// lies far out may be in few of them, and clipping it be most of the error.
constexpr int64_t kSampleRows = 768;
constexpr int64_t kSampleBatches = 96;
// A second pass over a batch costs about this share of the first, which also rounds.
constexpr double kSamplingShare = 0.3;

struct WorkLayer {
  RefinedLayer refined;
  int input = -1;  // of the tracer
  int output = -1;
};

class Refinement {
 public:
  Refinement(CalibrationData& data, const QuantizeOptions& options, const Cache& cache,
             const std::string& key, const QuantizeProgress& progress, Quantized* quantized)
      : data_(data),
        options_(options),
        cache_(cache),
        key_(key),
        progress_(progress),
        quantized_(*quantized) {}

  Status Run(const program::Program& program) {
    FindLayers(program);
    for (size_t begin = 0, end = 0; begin < layers_.size(); begin = end) {
      size_t bytes = 0;
      for (end = begin; end < layers_.size(); ++end) {
        const RefinedLayer& layer = layers_[end].refined;
        bytes += layer.MomentsBytes() + layer.SampleBytes(kSampleRows);
        if (end > begin && bytes > kGroupBytes) break;
      }
      done_ = begin;
      const std::string name = key_ + " refined " + std::to_string(begin);
      const std::span<WorkLayer> group = std::span(layers_).subspan(begin, end - begin);
      if (Restore(name, group)) continue;
      if (tracer_ == nullptr) SKIFF_RETURN_IF_ERROR(StartTracer(program));
      SKIFF_RETURN_IF_ERROR(RefineGroup(group));
      cache_.Store(name, SaveLayers(quantized_, IndicesOf(group)));
    }
    return OkStatus();
  }

 private:
  void FindLayers(const program::Program& program) {
    std::set<std::string> weights;
    for (size_t i = 0; i < quantized_.layers.size(); ++i) {
      const Layer& layer = quantized_.layers[i];
      if (!layer.why_float.empty() || !weights.insert(layer.weight).second) continue;
      auto refined = RefinedLayer::Of(program, quantized_, i);
      if (refined) layers_.push_back({*std::move(refined)});
    }
  }

  Status StartTracer(const program::Program& program) {
    SKIFF_ASSIGN_OR_RETURN(tracer_, Tracer::Make(program, RunnerOptionsOf(options_)));
    for (WorkLayer& work : layers_) {
      const Layer& layer = work.refined.layer();
      const auto x = tracer_->Find(layer.activation);
      const auto y = tracer_->Find(layer.output);
      if (!x || !y) return Internal("refine: " + layer.output + " cannot be read");
      work.input = *x;
      work.output = *y;
    }
    return OkStatus();
  }

  Status RefineGroup(std::span<WorkLayer> group) {
    if (options_.algo == CalibrationAlgorithm::kOutputError) {
      SKIFF_RETURN_IF_ERROR(SearchRanges(group));
    }
    const bool rounds = options_.round_type == RoundType::kGram;
    if (!rounds && !options_.bias_correction) return OkStatus();
    for (WorkLayer& work : group) work.refined.BeginMoments();
    for (int64_t i = 0; i < data_.batches(); ++i) {
      Report(kSamplingShare + (1 - kSamplingShare) * Share(i, data_.batches()), group.size());
      SKIFF_RETURN_IF_ERROR(tracer_->Run(data_, i));
      for (WorkLayer& work : group) {
        const double threshold = quantized_.ranges.at(work.refined.layer().activation).threshold;
        SKIFF_RETURN_IF_ERROR(work.refined.AddMoments(tracer_->Read(work.input),
                                                      tracer_->Read(work.output), threshold, i,
                                                      data_.batches(), options_.threads));
      }
    }
    for (WorkLayer& work : group) {
      SKIFF_RETURN_IF_ERROR(work.refined.FinishMoments(rounds, options_.bias_correction,
                                                       options_.threads, &quantized_));
    }
    return OkStatus();
  }

  // Of tensors that no layer before the group reads.
  Status SearchRanges(std::span<WorkLayer> group) {
    const int64_t batches = std::min(data_.batches(), kSampleBatches);
    for (int64_t i = 0; i < batches; ++i) {
      Report(kSamplingShare * Share(i, batches), group.size());
      const int64_t batch = i * data_.batches() / batches;
      SKIFF_RETURN_IF_ERROR(tracer_->Run(data_, batch));
      for (WorkLayer& work : group) {
        if (found_.contains(work.refined.layer().activation)) continue;
        work.refined.AddSamples(tracer_->Read(work.input), tracer_->Read(work.output),
                                (kSampleRows + batches - 1) / batches, batch);
      }
    }
    std::map<std::string, std::vector<ReaderSample>> readers;
    for (WorkLayer& work : group) {
      ReaderSample sample = work.refined.TakeSamples();
      if (sample.count > 0) readers[work.refined.layer().activation].push_back(std::move(sample));
    }
    for (const auto& [name, samples] : readers) {
      TensorRange& range = quantized_.ranges.at(name);
      if (!(range.largest > 0)) continue;
      SKIFF_ASSIGN_OR_RETURN(range.threshold,
                             SearchThreshold(samples, range.largest, options_.threads));
      found_.insert(name);
    }
    return OkStatus();
  }

  // The group's state is a whole one or none.
  bool Restore(const std::string& name, std::span<const WorkLayer> group) {
    const std::optional<std::string> bytes = cache_.Load(name);
    if (!bytes || !RestoreLayers(*bytes, IndicesOf(group), &quantized_)) return false;
    for (const WorkLayer& work : group) found_.insert(work.refined.layer().activation);
    return true;
  }

  static std::vector<size_t> IndicesOf(std::span<const WorkLayer> group) {
    std::vector<size_t> indices;
    for (const WorkLayer& work : group) indices.push_back(work.refined.index());
    return indices;
  }

  static double Share(int64_t part, int64_t all) {
    return static_cast<double>(part) / static_cast<double>(all);
  }
  void Report(double share, size_t layers) const {
    if (!progress_) return;
    const double done = static_cast<double>(done_) + share * static_cast<double>(layers);
    progress_("refining", static_cast<int64_t>(done * 100),
              static_cast<int64_t>(layers_.size() * 100));
  }

  CalibrationData& data_;
  const QuantizeOptions& options_;
  const Cache& cache_;
  const std::string& key_;
  const QuantizeProgress& progress_;
  Quantized& quantized_;
  std::vector<WorkLayer> layers_;
  std::unique_ptr<Tracer> tracer_;
  std::set<std::string> found_;  // tensors whose range was searched
  size_t done_ = 0;              // layers
};

}  // namespace

Status Refine(const program::Program& program, CalibrationData& data,
              const QuantizeOptions& options, const Cache& cache, const std::string& key,
              const QuantizeProgress& progress, Quantized* quantized) {
  return Refinement(data, options, cache, key, progress, quantized).Run(program);
}

}  // namespace skiff::quant
