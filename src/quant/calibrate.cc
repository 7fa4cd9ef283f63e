#include "quant/calibrate.h"

#include <cmath>
#include <vector>

#include "quant/thresholds.h"
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
  Calibration(Tracer& tracer, CalibrationData& data) : tracer_(tracer), data_(data) {}

  void Watch(const std::set<std::string>& names, const QuantizeOptions& options) {
    for (const std::string& name : names) {
      const std::optional<int> value = tracer_.Find(name);
      if (!value) continue;
      watched_.push_back({name, *value, NewObserver(options.algo, options.hist_percent)});
    }
  }

  // One pass over the data; `see` is called for each tensor of each batch.
  template <typename See>
  Status Pass(std::string_view stage, const QuantizeProgress& progress, const See& see) {
    for (int64_t i = 0; i < data_.batches(); ++i) {
      if (progress) progress(stage, i, data_.batches());
      SKIFF_RETURN_IF_ERROR(tracer_.Run(data_, i));
      for (Watched& watched : watched_) {
        const TracedTensor tensor = tracer_.Read(watched.value);
        const std::span<const float> x(tensor.data, static_cast<size_t>(tensor.dims.Numel()));
        const float largest = AbsMax(x);
        if (!std::isfinite(largest)) {
          return InvalidArgument("calibration batch " + std::to_string(i) + ": tensor " +
                                 watched.name + " holds a value that is not finite");
        }
        watched.largest = std::max(watched.largest, largest);
        see(*watched.observer, x, tensor.dims.rank() > 0 ? tensor.dims[0] : 1);
      }
    }
    if (progress) progress(stage, data_.batches(), data_.batches());
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
  Tracer& tracer_;
  CalibrationData& data_;
  std::vector<Watched> watched_;
};

}  // namespace

Result<Ranges> Calibrate(const program::Program& program, const std::set<std::string>& names,
                         CalibrationData& data, const QuantizeOptions& options,
                         const QuantizeProgress& progress) {
  TracerOptions trace;
  trace.threads = options.threads;
  trace.memory_limit = options.memory_limit;
  SKIFF_ASSIGN_OR_RETURN(const auto tracer, Tracer::Make(program, trace));
  Calibration calibration(*tracer, data);
  calibration.Watch(names, options);
  if (TwoPasses(options.algo)) {
    SKIFF_RETURN_IF_ERROR(calibration.Pass(
        "ranges", progress,
        [](Observer& observer, std::span<const float> x, int64_t) { observer.SeeRange(x); }));
  }
  SKIFF_RETURN_IF_ERROR(calibration.Pass(
      "sampling", progress, [](Observer& observer, std::span<const float> x, int64_t samples) {
        observer.See(x, samples);
      }));
  return calibration.Result();
}

}  // namespace skiff::quant
