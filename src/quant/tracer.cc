#include "quant/tracer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "plan/model.h"
#include "quant/calibrate/thresholds.h"

namespace skiff::quant {

Tracer::Tracer(std::unique_ptr<Runner> runner, const std::vector<std::string>& wanted)
    : runner_(std::move(runner)) {
  const std::vector<plan::PlannedStep>& steps = runner_->model().steps;
  steps_ = wanted.empty() ? steps.size() : 0;
  for (const std::string& name : wanted) {
    const std::optional<int> value = Find(name);
    for (size_t s = steps.size(); value && s > steps_; --s) {
      const std::vector<int>& outputs = steps[s - 1].outputs;
      if (std::find(outputs.begin(), outputs.end(), *value) != outputs.end()) steps_ = s;
    }
  }
}

Result<std::unique_ptr<Tracer>> Tracer::Make(const program::Program& program, RunnerOptions options,
                                             const std::vector<std::string>& wanted) {
  options.visible = true;
  SKIFF_ASSIGN_OR_RETURN(auto runner, Runner::Make(program, options));
  return std::unique_ptr<Tracer>(new Tracer(std::move(runner), wanted));
}

Status Tracer::Run(CalibrationData& data, int64_t i) {
  SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(i));
  return Run(batch, i);
}

Status Tracer::Run(const std::vector<TensorView>& batch, int64_t i) {
  const std::string which = "calibration batch " + std::to_string(i);
  SKIFF_RETURN_IF_ERROR(Start(batch, which));
  for (size_t s = 0; s < steps_; ++s) {
    SKIFF_RETURN_IF_ERROR(context().RunStep(s).WithContext(which));
  }
  return OkStatus();
}

Status Tracer::Run(CalibrationData& data, int64_t i, size_t begin, size_t end, const Visit& visit) {
  std::multimap<size_t, size_t> visits;  // by step
  for (size_t v = begin; v < end; ++v) {
    const std::optional<size_t>& step = runner_->together(v);
    if (step) visits.emplace(*step, v);
  }
  const std::string which = "calibration batch " + std::to_string(i);
  SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(i));
  SKIFF_RETURN_IF_ERROR(Start(batch, which));
  auto next = visits.begin();
  for (size_t s = 0; next != visits.end(); ++s) {
    SKIFF_RETURN_IF_ERROR(context().RunStep(s).WithContext(which));
    for (; next != visits.end() && next->first == s; ++next) {
      SKIFF_RETURN_IF_ERROR(visit(next->second));
    }
  }
  return OkStatus();
}

Status Tracer::Start(const std::vector<TensorView>& batch, const std::string& which) {
  SKIFF_RETURN_IF_ERROR(runner_->SetInputs(batch).WithContext(which));
  for (size_t k = 0; k < batch.size(); ++k) {
    const TensorView& view = batch[k];
    const std::span<const float> x(static_cast<const float*>(view.data),
                                   view.bytes / sizeof(float));
    if (view.dtype == DType::kFloat32 && !std::isfinite(AbsMax(x))) {
      return InvalidArgument(which + ": input " + runner_->model().input_infos[k].name +
                             " holds a value that is not finite");
    }
  }
  return context().Prepare().WithContext(which);
}

std::optional<int> Tracer::Find(std::string_view name) const {
  const std::vector<plan::ValueInfo>& values = runner_->model().values;
  for (size_t v = 0; v < values.size(); ++v) {
    if (values[v].name == name && !values[v].constant && values[v].dtype == DType::kFloat32) {
      return static_cast<int>(v);
    }
  }
  return std::nullopt;
}

RunTensor Tracer::Read(int index) const {
  const steps::Tensor tensor = runner_->context().value(index);
  const plan::ValueInfo& info = runner_->model().values[static_cast<size_t>(index)];
  return {{tensor.As<float>(), static_cast<size_t>(tensor.dims.Numel())}, tensor.dims, info.layout};
}

}  // namespace skiff::quant
