#include "runtime/context.h"

#include <algorithm>
#include <cstring>

#include "steps/known_ints.h"

namespace skiff::runtime {
namespace {

constexpr size_t RoundUp(size_t n, size_t alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

bool SameShape(const steps::TensorShape& a, const steps::TensorShape& b) {
  return a.dims == b.dims && a.has_ints == b.has_ints && (!a.has_ints || a.ints.v == b.ints.v);
}

}  // namespace

Context::Context(std::shared_ptr<const plan::Model> model, const ContextOptions& options)
    : model_(std::move(model)),
      options_(options),
      pool_(options.threads),
      storages_(model_->storages) {
  for (const KeptValue& kept : options_.kept) {
    const int storage = model_->values[static_cast<size_t>(kept.value)].storage;
    int& last = storages_[static_cast<size_t>(storage)].last_step;
    last = std::max(last, kept.until);
  }
  inputs_.resize(model_->inputs.size());
  shapes_.resize(model_->values.size());
  part_offsets_.resize(model_->values.size());
  steps_.resize(model_->steps.size());
  profile_.resize(model_->steps.size());
  sizes_.resize(model_->storages.size());
  offsets_.resize(model_->storages.size());
  external_.resize(model_->storages.size());
  is_input_.resize(model_->storages.size());
  for (size_t v = 0; v < shapes_.size(); ++v) {
    if (model_->values[v].constant) shapes_[v] = model_->values[v].constant_shape;
  }
  for (size_t s = 0; s < steps_.size(); ++s) {
    const plan::PlannedStep& planned = model_->steps[s];
    BoundStep& bound = steps_[s];
    for (int v : planned.inputs) bound.in_shapes.push_back(&shapes_[static_cast<size_t>(v)]);
    for (int v : planned.outputs) bound.out_shapes.push_back(&shapes_[static_cast<size_t>(v)]);
    bound.in.resize(planned.inputs.size());
    bound.out.resize(planned.outputs.size());
    bound.in_advance.resize(planned.inputs.size());
    bound.out_advance.resize(planned.outputs.size());
    bound.part_shapes.resize(planned.inputs.size() + planned.outputs.size());
    for (size_t k = 0; k < bound.part_shapes.size(); ++k) {
      steps::TensorShape* const part = &bound.part_shapes[k];
      if (k < planned.inputs.size()) {
        bound.part_in.push_back(part);
      } else {
        bound.part_out.push_back(part);
      }
    }
    bound.state = planned.step->NewState();
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const int storage = model_->values[static_cast<size_t>(model_->inputs[i])].storage;
    is_input_[static_cast<size_t>(storage)] = true;
    inputs_[i].copy = false;
    for (const plan::PlannedStep& planned : model_->steps) {
      for (size_t k = 0; k < planned.inputs.size(); ++k) {
        const auto v = static_cast<size_t>(planned.inputs[k]);
        if (model_->values[v].storage == storage &&
            planned.step->ReadsPastEnd(static_cast<int>(k))) {
          inputs_[i].copy = true;
        }
      }
    }
    inputs_[i].copy = inputs_[i].copy || options_.keep_all;
  }
}

Status Context::SetInput(size_t index, DType dtype, std::span<const int64_t> dims,
                         const void* data) {
  if (index >= inputs_.size()) {
    return InvalidArgument("input " + std::to_string(index) + " of a model that has " +
                           std::to_string(inputs_.size()));
  }
  const TensorInfo& info = model_->input_infos[index];
  if (dtype != info.dtype) {
    return InvalidArgument("input " + info.name + " is " + std::string(Name(info.dtype)) +
                           ", given " + std::string(Name(dtype)));
  }
  if (!Dims::Fits(dims.size())) return InvalidArgument("input " + info.name + ": rank over 8");
  Input& input = inputs_[index];
  steps::TensorShape shape;
  shape.dims = Dims(dims);
  if (shape.dims.Numel() <= 0) {
    return InvalidArgument("input " + info.name + " has shape " + shape.dims.ToString());
  }
  if (!info.dims.empty() && info.dims.size() != dims.size()) {
    return InvalidArgument("input " + info.name + " has rank " + std::to_string(info.dims.size()) +
                           ", given " + shape.dims.ToString());
  }
  steps::SetKnownInts(dtype, data, &shape);
  if (!input.is_set || !SameShape(shape, input.shape)) shapes_changed_ = true;
  input.is_set = true;
  input.data = data;
  input.shape = shape;
  return OkStatus();
}

Status Context::CheckInputs() const {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i].is_set) {
      return InvalidArgument("input " + model_->input_infos[i].name + " is not set");
    }
  }
  return OkStatus();
}

Status Context::Prepare() { return PrepareFor(true); }

Status Context::PrepareFor(bool whole) {
  SKIFF_RETURN_IF_ERROR(CheckInputs());
  if (shapes_changed_ || whole != whole_) {
    shapes_changed_ = true;
    whole_ = whole;
    SKIFF_RETURN_IF_ERROR(EvaluateShapes());
    SKIFF_RETURN_IF_ERROR(SplitIntoParts(whole));
    FindLifetimes();
    SKIFF_RETURN_IF_ERROR(PlaceStorages());
    BindTensors();
    shapes_changed_ = false;
  }
  BindInputs();
  return OkStatus();
}

Status Context::EvaluateShapes() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    shapes_[static_cast<size_t>(model_->inputs[i])] = inputs_[i].shape;
  }
  for (size_t s = 0; s < steps_.size(); ++s) {
    Status status = ReshapeStep(s);
    if (!status.ok()) {
      const steps::StepInfo& info = model_->steps[s].info;
      std::string context = info.op + " " + info.name + " (inputs";
      for (const steps::TensorShape* shape : steps_[s].in_shapes) {
        context += " " + shape->dims.ToString();
      }
      return status.WithContext(context + ")");
    }
  }
  return OkStatus();
}

Status Context::ReshapeStep(size_t index) {
  const plan::PlannedStep& planned = model_->steps[index];
  BoundStep& bound = steps_[index];
  for (size_t k = 0; k < planned.inputs.size(); ++k) {
    const plan::ValueInfo& value = model_->values[static_cast<size_t>(planned.inputs[k])];
    if (value.layout == graph::Layout::kNhwc && bound.in_shapes[k]->dims.rank() != 4) {
      return InvalidArgument(value.name + " should be 4-D");
    }
  }
  steps::ShapeContext shapes(bound.in_shapes, bound.out_shapes, bound.state.get(), pool_.threads());
  SKIFF_RETURN_IF_ERROR(planned.step->Reshape(shapes));
  for (size_t k = 0; k < planned.outputs.size(); ++k) {
    const Dims& dims = bound.out_shapes[k]->dims;
    if (dims.Numel() <= 0) return InvalidArgument("its output would have shape " + dims.ToString());
  }
  return TakeWorkspace(index, shapes);
}

Status Context::TakeWorkspace(size_t index, const steps::ShapeContext& shapes) {
  BoundStep& bound = steps_[index];
  bound.workspace = RoundUp(shapes.workspace(), ArenaPlanner::kAlignment);
  if (bound.workspace > options_.memory_limit) {
    return ResourceExhausted("needs " + std::to_string(bound.workspace) +
                             " bytes of scratch memory, the limit is " +
                             std::to_string(options_.memory_limit));
  }
  return OkStatus();
}

Result<size_t> Context::BytesOf(const plan::ValueInfo& value, const Dims& dims) const {
  const int64_t n = dims.Numel();
  if (n < 0 || static_cast<uint64_t>(n) > options_.memory_limit / SizeOf(value.dtype)) {
    return ResourceExhausted("tensor " + value.name + " " + dims.ToString() +
                             " is larger than the limit of " +
                             std::to_string(options_.memory_limit) + " bytes");
  }
  return RoundUp(static_cast<size_t>(n) * SizeOf(value.dtype) + steps::kBufferSlack,
                 ArenaPlanner::kAlignment);
}

Status Context::PlaceStorages() {
  std::fill(sizes_.begin(), sizes_.end(), 0);
  for (size_t v = 0; v < model_->values.size(); ++v) {
    const plan::ValueInfo& value = model_->values[v];
    if (value.constant) continue;
    if (SizeOf(value.dtype) == 0) return Unsupported("tensor " + value.name + " has no known type");
    const auto storage = static_cast<size_t>(value.storage);
    Dims dims = shapes_[v].dims;
    if (storage_parts_[storage] > 1) dims[0] /= storage_parts_[storage];
    SKIFF_ASSIGN_OR_RETURN(const size_t bytes, BytesOf(value, dims));
    size_t& size = sizes_[storage];
    size = std::max(size, bytes);
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const auto storage =
        static_cast<size_t>(model_->values[static_cast<size_t>(model_->inputs[i])].storage);
    if (!inputs_[i].copy) sizes_[storage] = 0;
  }
  const size_t total = planner_.Place(lifetimes_, sizes_, static_cast<int>(steps_.size()),
                                      options_.keep_all, offsets_);
  size_t workspace = 0;
  for (const BoundStep& step : steps_) workspace = std::max(workspace, step.workspace);
  if (total > options_.memory_limit || workspace > options_.memory_limit - total) {
    return ResourceExhausted("the activations need " + std::to_string(total + workspace) +
                             " bytes, the limit is " + std::to_string(options_.memory_limit));
  }
  if (arena_.size() < total) arena_ = AlignedBuffer(total);
  if (workspace_.size() < workspace) workspace_ = AlignedBuffer(workspace);
  return OkStatus();
}

void* Context::Address(int value) const {
  const plan::ValueInfo& info = model_->values[static_cast<size_t>(value)];
  if (info.constant) return const_cast<std::byte*>(info.constant->As());
  if (info.part_of >= 0) {
    return static_cast<std::byte*>(Address(info.part_of)) +
           part_offsets_[static_cast<size_t>(value)];
  }
  const auto storage = static_cast<size_t>(info.storage);
  if (external_[storage] != nullptr) return external_[storage];
  return const_cast<std::byte*>(arena_.As()) + offsets_[storage];
}

// Channels of one that is joined of several lie behind those of the ones before.
void Context::FindPartOffsets() {
  for (const plan::PlannedStep& planned : model_->steps) {
    if (!planned.step->JoinsChannels()) continue;
    size_t offset = 0;
    for (const int v : planned.inputs) {
      const auto i = static_cast<size_t>(v);
      part_offsets_[i] = offset;
      offset += static_cast<size_t>(shapes_[i].dims[1]) * SizeOf(model_->values[i].dtype);
    }
  }
}

steps::Tensor Context::TensorOf(int value, const Dims& dims) const {
  const int whole = model_->values[static_cast<size_t>(value)].part_of;
  return {Address(value), dims, whole < 0 ? 0 : shapes_[static_cast<size_t>(whole)].dims[1]};
}

void Context::BindTensors() {
  std::fill(external_.begin(), external_.end(), nullptr);
  FindPartOffsets();
  for (size_t s = 0; s < steps_.size(); ++s) {
    const plan::PlannedStep& planned = model_->steps[s];
    for (size_t k = 0; k < planned.inputs.size(); ++k) {
      steps_[s].in[k] = TensorOf(planned.inputs[k], steps_[s].in_shapes[k]->dims);
    }
    for (size_t k = 0; k < planned.outputs.size(); ++k) {
      steps_[s].out[k] = TensorOf(planned.outputs[k], steps_[s].out_shapes[k]->dims);
    }
  }
  for (const StepRange& range : ranges_) {
    if (range.parts > 1) BindParts(range);
  }
}

void Context::BindInputs() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const int index = model_->inputs[i];
    const plan::ValueInfo& value = model_->values[static_cast<size_t>(index)];
    const auto storage = static_cast<size_t>(value.storage);
    if (inputs_[i].copy) {
      const auto n = static_cast<size_t>(inputs_[i].shape.dims.Numel());
      std::memcpy(Address(index), inputs_[i].data, n * SizeOf(value.dtype));
      continue;
    }
    void* data = const_cast<void*>(inputs_[i].data);
    if (external_[storage] == data) continue;
    external_[storage] = data;
    for (size_t s = 0; s < steps_.size(); ++s) {
      const plan::PlannedStep& planned = model_->steps[s];
      for (size_t k = 0; k < planned.inputs.size(); ++k) {
        const plan::ValueInfo& in = model_->values[static_cast<size_t>(planned.inputs[k])];
        if (in.storage == value.storage) steps_[s].in[k].data = data;
      }
      for (size_t k = 0; k < planned.outputs.size(); ++k) {
        const plan::ValueInfo& out = model_->values[static_cast<size_t>(planned.outputs[k])];
        if (out.storage == value.storage) steps_[s].out[k].data = data;
      }
    }
  }
}

Status Context::RunStep(size_t index) {
  const plan::PlannedStep& planned = model_->steps[index];
  BoundStep& bound = steps_[index];
  const int alias = planned.step->AliasInput();
  if (alias >= 0) {
    // The plan gave both one storage, unless the input is a constant.
    const steps::Tensor& in = bound.in[static_cast<size_t>(alias)];
    const plan::ValueInfo& value = model_->values[static_cast<size_t>(planned.outputs[0])];
    if (in.data != bound.out[0].data) {
      const auto n = static_cast<size_t>(bound.out[0].dims.Numel());
      std::memcpy(bound.out[0].data, in.data, n * SizeOf(value.dtype));
    }
    return OkStatus();
  }
  return planned.step->Run({bound.in, bound.out, workspace_.As(), bound.state.get(), &pool_});
}

Status Context::RunTimed(size_t step, bool counts) {
  const auto start = std::chrono::steady_clock::now();
  Status status = RunStep(step);
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  profile_[step].total_ms += elapsed.count();
  if (counts) ++profile_[step].runs;
  return status;
}

Status Context::RunRange(const StepRange& range, StepObserver* observer) {
  for (int64_t part = 0; part < range.parts; ++part) {
    for (size_t s = range.begin; s < range.end; ++s) {
      if (observer != nullptr) [[unlikely]]
        observer->Before(s);
      const Status status = options_.profile ? RunTimed(s, part == 0) : RunStep(s);
      if (!status.ok()) [[unlikely]] {
        shapes_changed_ = true;  // tensors are bound anew
        const steps::StepInfo& info = model_->steps[s].info;
        return status.WithContext(info.op + " " + info.name);
      }
      if (observer != nullptr) [[unlikely]]
        observer->After(s);
    }
    if (range.parts > 1) Advance(range, part + 1 < range.parts ? 1 : 1 - range.parts);
  }
  return OkStatus();
}

Status Context::Run(StepObserver* observer) {
  has_outputs_ = false;
  SKIFF_RETURN_IF_ERROR(PrepareFor((observer != nullptr && !observer->TakesParts()) ||
                                   options_.keep_all || !options_.kept.empty()));
  for (const StepRange& range : ranges_) SKIFF_RETURN_IF_ERROR(RunRange(range, observer));
  has_outputs_ = true;
  return OkStatus();
}

void Context::WarmUp() {
  constexpr int64_t kMaxBytes = int64_t{64} << 20;
  std::vector<std::vector<std::byte>> zeros;
  bool ready = true;
  for (size_t i = 0; i < inputs_.size() && ready; ++i) {
    const TensorInfo& info = model_->input_infos[i];
    std::vector<int64_t> dims = info.dims;
    if (!dims.empty() && dims[0] < 0) dims[0] = 1;
    ready = !dims.empty();
    auto bytes = static_cast<int64_t>(SizeOf(info.dtype));
    for (const int64_t extent : dims) {
      ready = ready && extent > 0 && !__builtin_mul_overflow(bytes, extent, &bytes) &&
              bytes <= kMaxBytes;
    }
    if (!ready) break;
    const auto& data = zeros.emplace_back(static_cast<size_t>(bytes));
    ready = SetInput(i, info.dtype, dims, data.data()).ok();
  }
  if (ready) (void)Run();
  for (Input& input : inputs_) input = Input();
  shapes_changed_ = true;
  has_outputs_ = false;
  ResetProfile();
}

steps::Tensor Context::value(int index) const {
  return TensorOf(index, shapes_[static_cast<size_t>(index)].dims);
}

size_t Context::ReleaseMemory() {
  const size_t bytes = arena_.size() + workspace_.size();
  arena_ = AlignedBuffer();
  workspace_ = AlignedBuffer();
  shapes_changed_ = true;
  has_outputs_ = false;
  return bytes;
}

void Context::ResetProfile() { std::fill(profile_.begin(), profile_.end(), StepProfile{}); }

}  // namespace skiff::runtime
