#include "quant/refine/refine.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/memory.h"
#include "quant/quantized_state.h"
#include "quant/refine/refine_layer.h"
#include "quant/tracer.h"

namespace skiff::quant {
namespace {

// Bytes of samples and of moments that one group of layers may hold.
constexpr size_t kSampleGroupBytes = size_t{48} << 20;
constexpr size_t kMomentGroupBytes = size_t{96} << 20;
// Of the range search: patches of a layer, and the batches that they come from. Many batches: what
// lies far out may be in few of them, and clipping it be most of the error.
constexpr int64_t kSampleRows = 768;
constexpr int64_t kSampleBatches = 96;
// Of the work, what the range search takes.
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
    if (options_.algo == CalibrationAlgorithm::kOutputError) {
      const Stage search{" ranges ", 0, kSamplingShare, kSampleGroupBytes, SamplesOf};
      SKIFF_RETURN_IF_ERROR(
          ForGroups(program, search, [this](Group group) { return SearchRanges(group); }));
    }
    if (options_.round_type != RoundType::kGram && !options_.bias_correction) return OkStatus();
    const Stage refine{" refined ", kSamplingShare, 1, kMomentGroupBytes, MomentsOf};
    return ForGroups(program, refine, [this](Group group) { return RefineGroup(group); });
  }

 private:
  // Layers [begin, end).
  struct Group {
    size_t begin = 0;
    size_t end = 0;
    [[nodiscard]] size_t size() const { return end - begin; }
  };

  static size_t SamplesOf(const RefinedLayer& layer) { return layer.SampleBytes(kSampleRows); }
  static size_t MomentsOf(const RefinedLayer& layer) { return layer.MomentsBytes(); }

  // What is done in groups of layers that together hold no more than `most_bytes`.
  struct Stage {
    const char* name;
    double begin;  // of the whole work
    double end;
    size_t most_bytes;
    size_t (*bytes_of)(const RefinedLayer&);
  };

  // The work on each group, unless the cache knows its outcome.
  Status ForGroups(const program::Program& program, const Stage& stage,
                   const std::function<Status(Group)>& work) {
    for (Group group; group.end < layers_.size();) {
      group.begin = group.end;
      size_t bytes = 0;
      for (; group.end < layers_.size(); ++group.end) {
        bytes += stage.bytes_of(layers_[group.end].refined);
        if (group.size() > 0 && bytes > stage.most_bytes) break;
      }
      const double share = stage.end - stage.begin;
      const double all = static_cast<double>(layers_.size());
      share_begin_ = stage.begin + share * static_cast<double>(group.begin) / all;
      share_ = share * static_cast<double>(group.size()) / all;
      const std::string name = key_ + stage.name + std::to_string(group.begin);
      if (Restore(name, group)) continue;
      if (tracer_ == nullptr) SKIFF_RETURN_IF_ERROR(StartTracer(program));
      SKIFF_RETURN_IF_ERROR(work(group));
      ReturnFreeMemory();
      cache_.Store(name, SaveLayers(quantized_, IndicesOf(group)));
    }
    return OkStatus();
  }

  void FindLayers(const program::Program& program) {
    std::set<std::string> weights;
    for (size_t i = 0; i < quantized_.layers.size(); ++i) {
      const Layer& layer = quantized_.layers[i];
      if (!layer.why_float.empty() || !weights.insert(layer.weight).second) continue;
      auto refined = RefinedLayer::Of(program, quantized_, i);
      if (refined) layers_.push_back({*std::move(refined)});
    }
  }

  // Visit i of the tracer is to what layer i reads and writes.
  Status StartTracer(const program::Program& program) {
    RunnerOptions run = RunnerOptionsOf(options_);
    for (const WorkLayer& work : layers_) {
      const Layer& layer = work.refined.layer();
      run.together.push_back({layer.activation, layer.output});
    }
    SKIFF_ASSIGN_OR_RETURN(tracer_, Tracer::Make(program, run));
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Layer& layer = layers_[i].refined.layer();
      if (!tracer_->CanVisit(i)) return Internal("refine: " + layer.output + " cannot be read");
      layers_[i].input = *tracer_->Find(layer.activation);
      layers_[i].output = *tracer_->Find(layer.output);
    }
    return OkStatus();
  }

  Status RefineGroup(Group group) {
    const std::span<WorkLayer> layers = LayersOf(group);
    for (WorkLayer& work : layers) work.refined.BeginMoments();
    for (int64_t i = 0; i < data_.batches(); ++i) {
      Report(i, data_.batches());
      SKIFF_RETURN_IF_ERROR(tracer_->Run(data_, i, group.begin, group.end, [&](size_t visit) {
        WorkLayer& work = layers_[visit];
        const TensorRange& range = quantized_.ranges.at(work.refined.layer().activation);
        return work.refined.AddMoments(tracer_->Read(work.input), tracer_->Read(work.output),
                                       range.Grid(), i, data_.batches(), options_.threads);
      }));
    }
    const bool rounds = options_.round_type == RoundType::kGram;
    for (WorkLayer& work : layers) {
      SKIFF_RETURN_IF_ERROR(work.refined.FinishMoments(rounds, options_.bias_correction,
                                                       options_.threads, &quantized_));
    }
    return OkStatus();
  }

  // Of tensors that no layer before the group reads.
  Status SearchRanges(Group group) {
    const int64_t batches = std::min(data_.batches(), kSampleBatches);
    const int64_t rows = (kSampleRows + batches - 1) / batches;
    for (int64_t i = 0; i < batches; ++i) {
      Report(i, batches);
      const int64_t batch = i * data_.batches() / batches;
      SKIFF_RETURN_IF_ERROR(tracer_->Run(data_, batch, group.begin, group.end, [&](size_t visit) {
        WorkLayer& work = layers_[visit];
        if (!found_.contains(work.refined.layer().activation)) {
          work.refined.AddSamples(tracer_->Read(work.input), tracer_->Read(work.output), rows,
                                  batch, rows * batches);
        }
        return OkStatus();
      }));
    }
    std::map<std::string, std::vector<ReaderSample>> readers;
    for (WorkLayer& work : LayersOf(group)) {
      ReaderSample sample = work.refined.TakeSamples();
      if (sample.count > 0) readers[work.refined.layer().activation].push_back(std::move(sample));
    }
    for (const auto& [name, samples] : readers) {
      TensorRange& range = quantized_.ranges.at(name);
      if (!(range.largest > 0)) continue;
      SKIFF_ASSIGN_OR_RETURN(
          range.threshold, SearchThreshold(samples, range.largest, range.codes, options_.threads));
      found_.insert(name);
    }
    return OkStatus();
  }

  // The group's state is a whole one or none.
  bool Restore(const std::string& name, Group group) {
    const std::optional<std::string> bytes = cache_.Load(name);
    if (!bytes || !RestoreLayers(*bytes, IndicesOf(group), &quantized_)) return false;
    for (const WorkLayer& work : LayersOf(group)) found_.insert(work.refined.layer().activation);
    return true;
  }

  std::span<WorkLayer> LayersOf(Group group) {
    return std::span(layers_).subspan(group.begin, group.size());
  }
  std::vector<size_t> IndicesOf(Group group) {
    std::vector<size_t> indices;
    for (const WorkLayer& work : LayersOf(group)) indices.push_back(work.refined.index());
    return indices;
  }

  // Part of the work on a group.
  void Report(int64_t part, int64_t all) const {
    constexpr int64_t kUnits = 1000;
    const double done =
        share_begin_ + share_ * static_cast<double>(part) / static_cast<double>(all);
    if (progress_) progress_("refining", static_cast<int64_t>(done * kUnits), kUnits);
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
  // Of the whole work, what groups before this one took and what this one takes.
  double share_begin_ = 0;
  double share_ = 0;
};

}  // namespace

Status Refine(const program::Program& program, CalibrationData& data,
              const QuantizeOptions& options, const Cache& cache, const std::string& key,
              const QuantizeProgress& progress, Quantized* quantized) {
  return Refinement(data, options, cache, key, progress, quantized).Run(program);
}

}  // namespace skiff::quant
