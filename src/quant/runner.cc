#include "quant/runner.h"

#include <algorithm>
#include <utility>

#include "plan/model.h"

namespace skiff::quant {

namespace {

// By value, the step that writes it; 0 for the model's inputs, nothing for what is not computed.
std::vector<std::optional<size_t>> FindWriters(const plan::Model& model) {
  std::vector<std::optional<size_t>> writers(model.values.size());
  for (int input : model.inputs) writers[static_cast<size_t>(input)] = 0;
  for (size_t s = 0; s < model.steps.size(); ++s) {
    for (int output : model.steps[s].outputs) writers[static_cast<size_t>(output)] = s;
  }
  return writers;
}

// For each set of variables the step behind which all are there; they are kept until then.
std::vector<std::optional<size_t>> KeepTogether(const plan::Model& model,
                                                const std::vector<std::vector<std::string>>& sets,
                                                std::vector<runtime::KeptValue>* kept) {
  std::map<std::string_view, int> values;
  for (size_t v = 0; v < model.values.size(); ++v) {
    const plan::ValueInfo& value = model.values[v];
    const bool tensor = !value.constant && value.dtype == DType::kFloat32;
    if (tensor) values.emplace(value.name, static_cast<int>(v));
  }
  const std::vector<std::optional<size_t>> writers = FindWriters(model);
  std::vector<std::optional<size_t>> steps;
  for (const std::vector<std::string>& names : sets) {
    std::optional<size_t>& step = steps.emplace_back(0);
    std::vector<int> found;
    for (const std::string& name : names) {
      const auto value = values.find(name);
      const bool written =
          value != values.end() && writers[static_cast<size_t>(value->second)].has_value();
      if (!written) step.reset();
      if (!step) break;
      step = std::max(*step, *writers[static_cast<size_t>(value->second)]);
      found.push_back(value->second);
    }
    if (!step) continue;
    for (int value : found) kept->push_back({value, static_cast<int>(*step)});
  }
  return steps;
}

}  // namespace

Runner::Runner(std::shared_ptr<const plan::Model> model, const runtime::ContextOptions& options,
               std::vector<std::optional<size_t>> together)
    : together_(std::move(together)), context_(std::move(model), options) {
  const std::vector<plan::ValueInfo>& values = context_.model().values;
  for (size_t v = 0; v < values.size(); ++v) {
    const bool tensor = !values[v].constant && values[v].dtype == DType::kFloat32;
    if (tensor) values_.emplace(values[v].name, static_cast<int>(v));
  }
}

RunnerOptions RunnerOptionsOf(const QuantizeOptions& options, Precision precision) {
  RunnerOptions run;
  run.precision = precision;
  run.threads = options.threads;
  run.memory_limit = options.memory_limit;
  return run;
}

Result<std::unique_ptr<Runner>> Runner::Make(const program::Program& program,
                                             const RunnerOptions& options) {
  plan::CompileOptions compile;
  compile.precision = options.precision;
  compile.fuse = !options.visible;
  compile.in_place = !options.visible;
  compile.fuse_addends = false;   // layers are told apart, and timed, by name
  compile.join_in_place = false;  // and their outputs read
  compile.keep_identities = options.visible;
  SKIFF_ASSIGN_OR_RETURN(auto model, plan::Compile(program, compile));
  runtime::ContextOptions run;
  run.threads = options.threads;
  run.memory_limit = options.memory_limit;
  run.profile = options.profile;
  run.keep_all = options.visible && options.together.empty();
  auto together = KeepTogether(*model, options.together, &run.kept);
  return std::unique_ptr<Runner>(new Runner(std::move(model), run, std::move(together)));
}

Status Runner::SetInputs(std::span<const TensorView> batch) {
  const std::vector<TensorInfo>& inputs = model().input_infos;
  if (batch.size() != inputs.size()) {
    return InvalidArgument("a batch has " + std::to_string(batch.size()) +
                           " tensors, the model has " + std::to_string(inputs.size()) + " inputs");
  }
  for (size_t k = 0; k < batch.size(); ++k) {
    SKIFF_RETURN_IF_ERROR(context_.SetInput(k, batch[k].dtype, batch[k].dims, batch[k].data));
  }
  return OkStatus();
}

Status Runner::Run(std::span<const TensorView> batch) {
  SKIFF_RETURN_IF_ERROR(SetInputs(batch));
  return context_.Run();
}

RunTensor Runner::Find(std::string_view name) const {
  const auto it = values_.find(name);
  if (it == values_.end()) return {};
  const steps::Tensor tensor = context_.value(it->second);
  return {{tensor.As<float>(), static_cast<size_t>(tensor.dims.Numel())},
          tensor.dims,
          model().values[static_cast<size_t>(it->second)].layout};
}

Result<TensorView> Runner::Output() const {
  if (model().outputs.empty()) return InvalidArgument("the model has no output");
  const int value = model().outputs[0];
  const steps::Tensor tensor = context_.value(value);
  TensorView view;
  view.dtype = model().values[static_cast<size_t>(value)].dtype;
  if (view.dtype != DType::kFloat32) {
    return Unsupported("output " + model().output_infos[0].name + " is " +
                       std::string(Name(view.dtype)) + ": only float32 can be compared");
  }
  view.dims.assign(tensor.dims.span().begin(), tensor.dims.span().end());
  view.data = tensor.data;
  view.bytes = static_cast<size_t>(tensor.dims.Numel()) * sizeof(float);
  return view;
}

std::span<const float> InOrderOf(const RunTensor& like, const RunTensor& tensor,
                                 std::vector<float>* scratch) {
  if (!(like.dims == tensor.dims)) return {};
  if (like.layout == tensor.layout) return tensor.data;
  const int64_t channels = tensor.dims[1];
  const int64_t pixels = tensor.dims[2] * tensor.dims[3];
  const bool from_nhwc = tensor.layout == graph::Layout::kNhwc;
  const int64_t rows = from_nhwc ? pixels : channels;
  const int64_t columns = from_nhwc ? channels : pixels;
  scratch->resize(tensor.data.size());
  for (int64_t image = 0; image < tensor.dims[0]; ++image) {
    const float* from = tensor.data.data() + image * rows * columns;
    float* to = scratch->data() + image * rows * columns;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
    }
  }
  return *scratch;
}

std::vector<TensorView> FirstSample(const std::vector<TensorView>& batch,
                                    std::span<const TensorInfo> inputs) {
  bool free = batch.size() == inputs.size();
  for (size_t k = 0; free && k < batch.size(); ++k) {
    const std::vector<int64_t>& dims = batch[k].dims;
    free = !dims.empty() && dims[0] > 1 && !inputs[k].dims.empty() && inputs[k].dims[0] < 0;
  }
  if (!free) return batch;
  std::vector<TensorView> first = batch;
  for (TensorView& view : first) {
    view.bytes /= static_cast<size_t>(view.dims[0]);
    view.dims[0] = 1;
  }
  return first;
}

}  // namespace skiff::quant
