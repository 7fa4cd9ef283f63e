#include "quant/calibrate.h"

#include <cmath>
#include <vector>

#include "plan/model.h"
#include "quant/thresholds.h"
#include "runtime/context.h"

namespace skiff::quant {
namespace {

struct Watched {
  std::string name;
  int value = -1;  // of the plan
  std::unique_ptr<Observer> observer;
  float largest = 0;
};

class Calibration {
 public:
  Calibration(runtime::Context& context, CalibrationData& data) : context_(context), data_(data) {}

  void Watch(const std::set<std::string>& names, const QuantizeOptions& options) {
    const std::vector<plan::ValueInfo>& values = context_.model().values;
    std::set<std::string> left = names;
    for (size_t v = 0; v < values.size(); ++v) {
      const bool tensor = !values[v].constant && values[v].dtype == DType::kFloat32;
      if (!tensor || left.erase(values[v].name) == 0) continue;
      watched_.push_back(
          {values[v].name, static_cast<int>(v), NewObserver(options.algo, options.hist_percent)});
    }
  }

  // One pass over the data; `see` is called for each tensor of each batch.
  template <typename See>
  Status Pass(std::string_view stage, const QuantizeProgress& progress, const See& see) {
    for (int64_t i = 0; i < data_.batches(); ++i) {
      if (progress) progress(stage, i, data_.batches());
      SKIFF_RETURN_IF_ERROR(RunBatch(i));
      for (Watched& watched : watched_) {
        const steps::Tensor tensor = context_.value(watched.value);
        const auto count = static_cast<size_t>(tensor.dims.Numel());
        const std::span<const float> x(tensor.As<float>(), count);
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
  Status RunBatch(int64_t index) {
    const std::string which = "calibration batch " + std::to_string(index);
    SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data_.Batch(index));
    const std::vector<TensorInfo>& inputs = context_.model().input_infos;
    if (batch.size() != inputs.size()) {
      return InvalidArgument(which + " has " + std::to_string(batch.size()) +
                             " tensors, the model has " + std::to_string(inputs.size()) +
                             " inputs");
    }
    for (size_t k = 0; k < batch.size(); ++k) {
      const TensorView& view = batch[k];
      SKIFF_RETURN_IF_ERROR(
          context_.SetInput(k, view.dtype, view.dims, view.data).WithContext(which));
      const std::span<const float> x(static_cast<const float*>(view.data),
                                     view.bytes / sizeof(float));
      if (view.dtype == DType::kFloat32 && !std::isfinite(AbsMax(x))) {
        return InvalidArgument(which + ": input " + inputs[k].name +
                               " holds a value that is not finite");
      }
    }
    return context_.Run().WithContext(which);
  }

  runtime::Context& context_;
  CalibrationData& data_;
  std::vector<Watched> watched_;
};

}  // namespace

Result<Ranges> Calibrate(const program::Program& program, const std::set<std::string>& names,
                         CalibrationData& data, const QuantizeOptions& options,
                         const QuantizeProgress& progress) {
  plan::CompileOptions compile;
  compile.precision = Precision::kFp32;
  compile.fuse = false;
  compile.in_place = false;
  compile.keep_identities = true;
  SKIFF_ASSIGN_OR_RETURN(const auto model, plan::Compile(program, compile));
  runtime::ContextOptions run;
  run.threads = options.threads;
  run.memory_limit = options.memory_limit;
  run.keep_all = true;
  runtime::Context context(model, run);
  Calibration calibration(context, data);
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
