#include "quant/refine/equalize.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "quant/edit.h"
#include "quant/refine/scaling_groups.h"
#include "quant/tracer.h"

namespace skiff::quant {
namespace {

// No channel is moved by more than this.
constexpr double kMostRatio = 64;
// How far relu6's bound stays above the largest value seen, once the channel is scaled.
constexpr double kRelu6Margin = 1.25;
constexpr double kRelu6Bound = 6;

// The largest |x| of each channel.
void SeeChannels(const RunTensor& x, std::vector<float>* largest) {
  const int64_t channels = x.dims[1];
  const int64_t plane = x.dims.Product(2, x.dims.rank());
  const bool plain = x.layout == graph::Layout::kPlain;
  const float* from = x.data.data();
  for (int64_t n = 0; n < x.dims[0]; ++n) {
    for (int64_t outer = 0; outer < (plain ? channels : plane); ++outer) {
      for (int64_t inner = 0; inner < (plain ? plane : channels); ++inner) {
        float& most = (*largest)[static_cast<size_t>(plain ? outer : inner)];
        most = std::max(most, std::fabs(*from++));
      }
    }
  }
}

struct WatchedGroup {
  const ScalingGroup* group = nullptr;
  std::vector<float> largest;
  bool usable = true;
};

class Equalization {
 public:
  Equalization(CalibrationData& data, const QuantizeOptions& options,
               const QuantizeProgress& progress, program::Program* program)
      : data_(data), options_(options), progress_(progress), program_(program) {}

  Status Run(const Cache& cache, const std::string& key) {
    const std::vector<ScalingGroup> groups = FindScalingGroups(*program_);
    if (groups.empty()) return OkStatus();
    for (const ScalingGroup& group : groups) {
      WatchedGroup& watched = watched_.emplace_back();
      watched.group = &group;
      watched.largest.resize(static_cast<size_t>(group.channels));
    }
    if (!Restore(cache.Load(key))) {
      SKIFF_RETURN_IF_ERROR(Measure());
      cache.Store(key, Save());
    }
    Editor editor(program_);
    for (const WatchedGroup& watched : watched_) {
      if (!watched.usable) continue;
      const std::vector<double> factors = Factors(watched);
      for (const ScaledParam& param : watched.group->params) Scale(param, factors, &editor);
    }
    return OkStatus();
  }

 private:
  [[nodiscard]] std::string Save() const {
    StateWriter state;
    for (const WatchedGroup& watched : watched_) {
      state.Put(watched.usable);
      state.PutAll(watched.largest);
    }
    return state.bytes();
  }

  bool Restore(const std::optional<std::string>& bytes) {
    if (!bytes) return false;
    StateReader state(*bytes);
    for (WatchedGroup& watched : watched_) {
      watched.usable = state.Get<bool>();
      const auto largest = state.GetAll<float>();
      if (largest.size() == watched.largest.size()) watched.largest = largest;
    }
    return state.done();
  }

  Status Measure() {
    RunnerOptions run = RunnerOptionsOf(options_);
    std::vector<WatchedGroup*> by_visit;
    for (WatchedGroup& watched : watched_) {
      for (const std::string& name : watched.group->tensors) {
        run.together.push_back({name});
        by_visit.push_back(&watched);
      }
    }
    SKIFF_ASSIGN_OR_RETURN(const auto tracer, Tracer::Make(*program_, run));
    for (int64_t i = 0; i < data_.batches(); ++i) {
      if (progress_) progress_("equalising", i, data_.batches());
      SKIFF_RETURN_IF_ERROR(tracer->Run(data_, i, 0, by_visit.size(), [&](size_t visit) {
        See(tracer->Read(*tracer->Find(run.together[visit][0])), by_visit[visit]);
        return OkStatus();
      }));
    }
    return OkStatus();
  }

  static void See(const RunTensor& x, WatchedGroup* watched) {
    if (x.dims.rank() != 4 || x.dims[1] != watched->group->channels) watched->usable = false;
    if (watched->usable) SeeChannels(x, &watched->largest);
  }

  // The largest |w| that meets each channel, over the readers that sum over channels.
  [[nodiscard]] std::vector<double> WeightRanges(const ScalingGroup& group) const {
    std::vector<double> ranges(static_cast<size_t>(group.channels));
    for (const ScaledParam& param : group.params) {
      const bool dense = std::find(group.dense_weights.begin(), group.dense_weights.end(),
                                   param.name) != group.dense_weights.end();
      if (param.divide || !dense) continue;
      const std::span<const float> w = program_->params.at(param.name).As<float>();
      for (size_t i = 0; i < w.size(); ++i) {
        double& range =
            ranges[static_cast<size_t>(param.channel[i / static_cast<size_t>(param.inner)])];
        range = std::max(range, static_cast<double>(std::fabs(w[i])));
      }
    }
    return ranges;
  }

  // By channel: the square root of activation range over weight range, so that both sides end up
  // alike; the whole activation range where no reader sums over channels (its weights have a step
  // for each channel, which takes any factor for nothing).
  [[nodiscard]] std::vector<double> Factors(const WatchedGroup& watched) const {
    const std::vector<double> weights = WeightRanges(*watched.group);
    const bool dense = !watched.group->dense_weights.empty();
    std::vector<double> factors(watched.largest.size());
    double most = 0;
    for (size_t c = 0; c < factors.size(); ++c) {
      const double activation = watched.largest[c];
      factors[c] = !dense ? activation : weights[c] > 0 ? std::sqrt(activation / weights[c]) : 0;
      most = std::max(most, factors[c]);
    }
    for (size_t c = 0; c < factors.size(); ++c) {
      double least = 1 / kMostRatio;
      if (watched.group->has_relu6) {
        least = std::max(least, kRelu6Margin * watched.largest[c] / kRelu6Bound);
      }
      const bool alive = most > 0 && factors[c] > 0;
      factors[c] = alive ? std::clamp(factors[c] / most, std::min(least, 1.0), 1.0) : 1;
    }
    return factors;
  }

  void Scale(const ScaledParam& param, const std::vector<double>& factors, Editor* editor) {
    const program::Tensor& tensor = program_->params.at(param.name);
    const std::span<const float> from = tensor.As<float>();
    std::vector<float> values(from.size());
    for (size_t i = 0; i < values.size(); ++i) {
      const double factor =
          factors[static_cast<size_t>(param.channel[i / static_cast<size_t>(param.inner)])];
      values[i] = static_cast<float>(param.divide ? from[i] / factor : from[i] * factor);
    }
    editor->SetParam(param.name, DType::kFloat32, std::vector<int64_t>(tensor.dims), values);
  }

  CalibrationData& data_;
  const QuantizeOptions& options_;
  const QuantizeProgress& progress_;
  program::Program* program_;
  std::vector<WatchedGroup> watched_;
};

}  // namespace

Status Equalize(CalibrationData& data, const QuantizeOptions& options, const Cache& cache,
                const std::string& key, const QuantizeProgress& progress,
                program::Program* program) {
  return Equalization(data, options, progress, program).Run(cache, key);
}

}  // namespace skiff::quant
