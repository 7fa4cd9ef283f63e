#include "quant/calibrate/calibrate.h"

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
  float largest = 0;
};

class Calibration {
 public:
  Calibration(CalibrationData& data, const Cache& cache, std::string key,
              const QuantizeProgress& progress)
      : data_(data), cache_(cache), key_(std::move(key)), progress_(progress) {}

  void Watch(const Tracer& tracer, const std::set<std::string>& names,
             const QuantizeOptions& options) {
    for (const std::string& name : names) {
      const std::optional<int> value = tracer.Find(name);
      if (!value) continue;
      watched_.push_back({name, *value, NewObserver(options.algo, options.hist_percent)});
    }
  }

  // Goes on where the cached state ends.
  Status Run(Tracer& tracer, bool two_passes) {
    Restore();
    for (; pass_ < 2; ++pass_, next_ = 0) {
      if (pass_ == 0 && !two_passes) continue;
      SKIFF_RETURN_IF_ERROR(Pass(tracer));
    }
    Save();
    return OkStatus();
  }

  [[nodiscard]] Ranges Result() const {
    Ranges ranges;
    for (const Watched& watched : watched_) {
      ranges[watched.name] = {watched.observer->Threshold(), watched.largest};
    }
    return ranges;
  }

 private:
  Status Pass(Tracer& tracer) {
    const std::string_view stage = pass_ == 0 ? "ranges" : "sampling";
    for (; next_ < data_.batches(); ++next_) {
      if (progress_) progress_(stage, next_, data_.batches());
      if (Clock::now() - saved_ > kSaveEvery) Save();
      SKIFF_RETURN_IF_ERROR(tracer.Run(data_, next_));
      for (Watched& watched : watched_) SKIFF_RETURN_IF_ERROR(See(tracer, &watched));
    }
    if (progress_) progress_(stage, data_.batches(), data_.batches());
    return OkStatus();
  }

  Status See(const Tracer& tracer, Watched* watched) const {
    const RunTensor tensor = tracer.Read(watched->value);
    const std::span<const float> x = tensor.data;
    const float largest = AbsMax(x);
    if (!std::isfinite(largest)) {
      return InvalidArgument("calibration batch " + std::to_string(next_) + ": tensor " +
                             watched->name + " holds a value that is not finite");
    }
    watched->largest = std::max(watched->largest, largest);
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
    for (const Watched& watched : watched_) {
      state.PutText(watched.name);
      state.Put(watched.largest);
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
    for (Watched& watched : watched_) {
      // The key names the program, so the variables are the same; a digest was checked.
      (void)state.GetText();
      watched.largest = state.Get<float>();
      watched.observer->Restore(&state);
    }
    pass_ = pass;
    next_ = next;
  }

  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kSaveEvery{5};

  CalibrationData& data_;
  const Cache& cache_;
  std::string key_;
  const QuantizeProgress& progress_;
  std::vector<Watched> watched_;
  int32_t pass_ = 0;
  int64_t next_ = 0;  // batch
  Clock::time_point saved_ = Clock::now();
};

}  // namespace

Result<Ranges> Calibrate(const program::Program& program, const std::set<std::string>& names,
                         CalibrationData& data, const QuantizeOptions& options, const Cache& cache,
                         const std::string& key, const QuantizeProgress& progress) {
  SKIFF_ASSIGN_OR_RETURN(const auto tracer, Tracer::Make(program, RunnerOptionsOf(options)));
  std::string what = key + " " + std::string(StatisticsOf(options.algo));
  for (const std::string& name : names) what += " " + name;
  Calibration calibration(data, cache, std::move(what), progress);
  calibration.Watch(*tracer, names, options);
  SKIFF_RETURN_IF_ERROR(calibration.Run(*tracer, TwoPasses(options.algo)));
  return calibration.Result();
}

}  // namespace skiff::quant
