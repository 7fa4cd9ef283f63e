#include "quant/tracer.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "plan/model.h"
#include "quant/thresholds.h"

namespace skiff::quant {
namespace {

runtime::ContextOptions RunOptions(const TracerOptions& options) {
  runtime::ContextOptions run;
  run.threads = options.threads;
  run.memory_limit = options.memory_limit;
  run.keep_all = true;
  return run;
}

}  // namespace

Tracer::Tracer(std::shared_ptr<const plan::Model> model, const TracerOptions& options)
    : context_(std::move(model), RunOptions(options)) {
  const std::vector<plan::PlannedStep>& steps = context_.model().steps;
  steps_ = options.wanted.empty() ? steps.size() : 0;
  for (const std::string& name : options.wanted) {
    const std::optional<int> value = Find(name);
    for (size_t s = steps.size(); value && s > steps_; --s) {
      const std::vector<int>& outputs = steps[s - 1].outputs;
      if (std::find(outputs.begin(), outputs.end(), *value) != outputs.end()) steps_ = s;
    }
  }
}

Result<std::unique_ptr<Tracer>> Tracer::Make(const program::Program& program,
                                             const TracerOptions& options) {
  plan::CompileOptions compile;
  compile.precision = options.precision;
  compile.fuse = false;
  compile.in_place = false;
  compile.keep_identities = true;
  SKIFF_ASSIGN_OR_RETURN(auto model, plan::Compile(program, compile));
  return std::unique_ptr<Tracer>(new Tracer(std::move(model), options));
}

Status Tracer::SetInputs(const std::vector<TensorView>& batch, const std::string& which) {
  const std::vector<TensorInfo>& inputs = context_.model().input_infos;
  if (batch.size() != inputs.size()) {
    return InvalidArgument(which + " has " + std::to_string(batch.size()) +
                           " tensors, the model has " + std::to_string(inputs.size()) + " inputs");
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
  return OkStatus();
}

Status Tracer::Run(CalibrationData& data, int64_t i) {
  SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(i));
  return Run(batch, i);
}

Status Tracer::Run(const std::vector<TensorView>& batch, int64_t i) {
  const std::string which = "calibration batch " + std::to_string(i);
  SKIFF_RETURN_IF_ERROR(SetInputs(batch, which));
  SKIFF_RETURN_IF_ERROR(context_.Prepare().WithContext(which));
  for (size_t s = 0; s < steps_; ++s) {
    SKIFF_RETURN_IF_ERROR(context_.RunStep(s).WithContext(which));
  }
  return OkStatus();
}

std::optional<int> Tracer::Find(std::string_view name) const {
  const std::vector<plan::ValueInfo>& values = context_.model().values;
  for (size_t v = 0; v < values.size(); ++v) {
    if (values[v].name == name && !values[v].constant && values[v].dtype == DType::kFloat32) {
      return static_cast<int>(v);
    }
  }
  return std::nullopt;
}

TracedTensor Tracer::Read(int index) const {
  const steps::Tensor tensor = context_.value(index);
  const plan::ValueInfo& info = context_.model().values[static_cast<size_t>(index)];
  return {tensor.As<float>(), tensor.dims, info.layout};
}

}  // namespace skiff::quant
