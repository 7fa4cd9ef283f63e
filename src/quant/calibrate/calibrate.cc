#include "quant/calibrate/calibrate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "quant/calibrate/thresholds.h"
#include "quant/tracer.h"

namespace skiff::quant {
namespace {

struct Watched {
  std::string name;
  int value = -1;  // of the tracer
  std::unique_ptr<Observer> observer;
  ValueRange seen;
  double at_last_look = 0;  // what Stable compares

  [[nodiscard]] float largest() const { return std::max(-seen.least, seen.most); }
};

class Calibration {
 public:
  Calibration(CalibrationData& data, const QuantizeOptions& options, const Cache& cache,
              std::string key, const QuantizeProgress& progress)
      : data_(data),
        cache_(cache),
        key_(std::move(key)),
        progress_(progress),
        stable_share_(options.stable_share),
        limit_(data.batches()) {}

  // Visit i of the tracer is to `names[i]`.
  void Watch(const Tracer& tracer, const std::vector<std::vector<std::string>>& names,
             const QuantizeOptions& options) {
    by_visit_.resize(names.size());
    for (size_t v = 0; v < names.size(); ++v) {
      const std::optional<int> value = tracer.Find(names[v][0]);
      if (!value || !tracer.CanVisit(v)) continue;
      by_visit_[v] = watched_.size();
      watched_.push_back(
          {names[v][0], *value, NewObserver(options.algo, options.hist_percent), {}});
    }
  }

  // Goes on where the cached state ends.
  Status Run(Tracer& tracer, bool two_passes) {
    first_pass_ = two_passes ? 0 : 1;
    Restore();
    for (; pass_ < 2; ++pass_, next_ = 0) {
      if (pass_ == 0 && !two_passes) continue;
      SKIFF_RETURN_IF_ERROR(Pass(tracer));
    }
    Save();
    return OkStatus();
  }

  [[nodiscard]] Calibrated Result() const {
    Calibrated result;
    result.batches = limit_;
    for (const Watched& watched : watched_) {
      result.ranges[watched.name] = {watched.observer->Threshold(), watched.largest(),
                                     watched.seen.least, watched.seen.most};
    }
    return result;
  }

 private:
  Status Pass(Tracer& tracer) {
    const std::string_view stage = pass_ == 0 ? "ranges" : "sampling";
    for (; next_ < limit_; ++next_) {
      if (progress_) progress_(stage, next_, limit_);
      if (Clock::now() - saved_ > kSaveEvery) Save();
      bool seen = false;
      const Status ran = tracer.Run(data_, next_, 0, by_visit_.size(), [&](size_t visit) {
        seen = true;
        return See(tracer, &watched_[by_visit_[visit]]);
      });
      if (!ran.ok()) {
        // Of a batch that was seen in part nothing may be kept.
        if (!seen) Save();
        return ran;
      }
      // The first pass says how many batches are enough; a second one reads the same.
      const bool first = pass_ == first_pass_;
      if (first && stable_share_ > 0 && (next_ + 1) % kLook == 0 && Stable()) limit_ = next_ + 1;
    }
    if (progress_) progress_(stage, limit_, limit_);
    return OkStatus();
  }

  // Has no range moved by more than the share since the last look? In a pass that only finds the
  // largest values, by those; else by thresholds.
  bool Stable() {
    bool stable = next_ >= kLook;
    for (Watched& watched : watched_) {
      const double now = pass_ == 0 ? watched.largest() : watched.observer->Threshold();
      if (std::fabs(now - watched.at_last_look) > stable_share_ * now) stable = false;
      watched.at_last_look = now;
    }
    return stable;
  }

  Status See(const Tracer& tracer, Watched* watched) const {
    const RunTensor tensor = tracer.Read(watched->value);
    const std::span<const float> x = tensor.data;
    const ValueRange range = RangeOf(x);
    if (!range.finite) {
      return InvalidArgument("calibration batch " + std::to_string(next_) + ": tensor " +
                             watched->name + " holds a value that is not finite");
    }
    watched->seen.least = std::min(watched->seen.least, range.least);
    watched->seen.most = std::max(watched->seen.most, range.most);
    if (pass_ == 0) {
      watched->observer->SeeRange(x);
    } else {
      watched->observer->See(x, tensor.dims.rank() > 0 ? tensor.dims[0] : 1);
    }
    return OkStatus();
  }

  void Save() {
    StateWriter state;
    state.Put(pass_);
    state.Put(next_);
    state.Put(limit_);
    for (const Watched& watched : watched_) {
      state.PutText(watched.name);
      state.Put(watched.seen);
      state.Put(watched.at_last_look);
      watched.observer->Save(&state);
    }
    cache_.Store(key_, state.bytes());
    saved_ = Clock::now();
  }

  void Restore() {
    const std::optional<std::string> bytes = cache_.Load(key_);
    if (!bytes) return;
    StateReader state(*bytes);
    const auto pass = state.Get<int32_t>();
    const auto next = state.Get<int64_t>();
    limit_ = state.Get<int64_t>();
    for (Watched& watched : watched_) {
      // The key names the program, so the variables are the same; a digest was checked.
      (void)state.GetText();
      watched.seen = state.Get<ValueRange>();
      watched.at_last_look = state.Get<double>();
      watched.observer->Restore(&state);
    }
    pass_ = pass;
    next_ = next;
  }

  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kSaveEvery{5};
  static constexpr int64_t kLook = 16;  // batches between two looks at whether ranges are stable

  CalibrationData& data_;
  const Cache& cache_;
  std::string key_;
  const QuantizeProgress& progress_;
  double stable_share_;
  std::vector<Watched> watched_;
  std::vector<size_t> by_visit_;  // index of watched_
  int32_t first_pass_ = 0;
  int64_t limit_;  // batches to read
  int32_t pass_ = 0;
  int64_t next_ = 0;  // batch
  Clock::time_point saved_ = Clock::now();
};

}  // namespace

Result<Calibrated> Calibrate(const program::Program& program, const std::set<std::string>& names,
                             CalibrationData& data, const QuantizeOptions& options,
                             const Cache& cache, const std::string& key,
                             const QuantizeProgress& progress) {
  RunnerOptions run = RunnerOptionsOf(options);
  for (const std::string& name : names) run.together.push_back({name});
  SKIFF_ASSIGN_OR_RETURN(const auto tracer, Tracer::Make(program, run));
  std::string what = key + " ranges of " + std::string(StatisticsOf(options.algo));
  if (options.stable_share > 0) what += " stable " + std::to_string(options.stable_share);
  for (const std::string& name : names) what += " " + name;
  Calibration calibration(data, options, cache, std::move(what), progress);
  calibration.Watch(*tracer, run.together, options);
  SKIFF_RETURN_IF_ERROR(calibration.Run(*tracer, TwoPasses(options.algo)));
  return calibration.Result();
}

}  // namespace skiff::quant
