#include "api/engine.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "api/errors.h"
#include "api/profile.h"
#include "api/types.h"

namespace skiff::api {

size_t Slot::Numel() const {
  size_t count = 1;
  for (const int extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, static_cast<size_t>(extent), &count)) {
      Throw("InvalidArgument", "tensor " + name + " has an extent of " + std::to_string(extent) +
                                   ", or more elements than memory has addresses");
    }
  }
  return count;
}

void* Slot::Allocate(size_t count, size_t size) {
  size_t needed = 0;
  if (__builtin_mul_overflow(count, size, &needed)) {
    Throw("ResourceExhausted", "tensor " + name + " is larger than memory");
  }
  if (own.size() < needed) {
    try {
      AlignedBuffer larger(needed);
      if (own.size() > 0) std::memcpy(larger.As(), own.As(), own.size());
      own = std::move(larger);
    } catch (const std::bad_alloc&) {
      Throw("ResourceExhausted",
            "not enough memory for tensor " + name + ": " + std::to_string(needed) + " bytes");
    }
  }
  data = own.As();
  bytes = needed;
  return data;
}

Engine::Engine(std::shared_ptr<const plan::Model> model, const runtime::ContextOptions& options)
    : context_(std::move(model), options) {
  const plan::Model& m = context_.model();
  inputs_.resize(m.inputs.size());
  outputs_.resize(m.outputs.size());
  for (size_t i = 0; i < inputs_.size(); ++i) inputs_[i].name = m.input_infos[i].name;
  for (size_t i = 0; i < outputs_.size(); ++i) outputs_[i].name = m.output_infos[i].name;
}

Engine::~Engine() {
  if (context_.options().profile) PrintProfile(context_);
}

std::shared_ptr<Engine> Engine::Clone() const {
  return std::make_shared<Engine>(context_.shared_model(), context_.options());
}

namespace {

size_t Find(const std::vector<Slot>& slots, const std::string& name) {
  const auto found =
      std::find_if(slots.begin(), slots.end(), [&](const Slot& slot) { return slot.name == name; });
  if (found == slots.end()) {
    Throw("PreconditionNotMet",
          "The variable named " + name + " is not found in the scope of the executor.");
  }
  return static_cast<size_t>(found - slots.begin());
}

}  // namespace

size_t Engine::FindInput(const std::string& name) const { return Find(inputs_, name); }
size_t Engine::FindOutput(const std::string& name) const { return Find(outputs_, name); }

// Their constructors are for this class alone, so std::make_unique cannot be used.
std::unique_ptr<paddle_infer::Tensor> Engine::Handle(bool is_input, size_t index) {
  return std::unique_ptr<paddle_infer::Tensor>(
      new paddle_infer::Tensor(shared_from_this(), is_input, index));
}
std::unique_ptr<paddle::ZeroCopyTensor> Engine::ZeroCopyHandle(bool is_input, size_t index) {
  return std::unique_ptr<paddle::ZeroCopyTensor>(
      new paddle::ZeroCopyTensor(shared_from_this(), is_input, index));
}

void Engine::SetInput(size_t index) {
  const Slot& slot = inputs_[index];
  if (slot.data == nullptr) {
    Throw("PreconditionNotMet", "input " + slot.name +
                                    " holds no memory: give it data with CopyFromCpu, mutable_data "
                                    "or ShareExternalData before Run");
  }
  const DType dtype = FromPaddle(slot.type);
  const size_t needed = slot.Numel() * SizeOf(dtype);
  if (needed > slot.bytes) {
    Throw("InvalidArgument", "input " + slot.name + " was reshaped to " + std::to_string(needed) +
                                 " bytes and holds only " + std::to_string(slot.bytes) +
                                 ": set its data again");
  }
  std::array<int64_t, Dims::kMaxRank> dims{};
  if (slot.shape.size() > dims.size()) {
    Throw("InvalidArgument", "input " + slot.name + ": rank over " + std::to_string(dims.size()));
  }
  std::copy(slot.shape.begin(), slot.shape.end(), dims.begin());
  ThrowIfError(context_.SetInput(index, dtype, {dims.data(), slot.shape.size()}, slot.data));
}

void Engine::ReadOutput(size_t index) {
  Slot& slot = outputs_[index];
  const int value = model().outputs[index];
  const steps::Tensor tensor = context_.value(value);
  const DType dtype = model().values[static_cast<size_t>(value)].dtype;
  slot.type = ToPaddle(dtype);
  slot.shape.clear();
  for (const int64_t extent : tensor.dims.span()) slot.shape.push_back(static_cast<int>(extent));
  slot.data = tensor.data;
  slot.bytes = static_cast<size_t>(tensor.dims.Numel()) * SizeOf(dtype);
  if (slot.external == nullptr) return;
  if (slot.bytes > slot.external_bytes) {
    Throw("InvalidArgument", "output " + slot.name + " has " + std::to_string(slot.bytes) +
                                 " bytes, the memory shared for it " +
                                 std::to_string(slot.external_bytes));
  }
  std::memcpy(slot.external, slot.data, slot.bytes);
  slot.data = slot.external;
}

namespace {

// A 4-D tensor as Paddle's users know it, N, C, H, W.
void CopyInLogicalOrder(const steps::Tensor& tensor, size_t size, char* dst) {
  const Dims& d = tensor.dims;
  const int64_t pixels = d[2] * d[3];
  const int64_t stride = tensor.PixelStride();
  const auto* src = tensor.As<const char>();
  for (int64_t n = 0; n < d[0]; ++n) {
    for (int64_t c = 0; c < d[1]; ++c) {
      for (int64_t p = 0; p < pixels; ++p, dst += size) {
        const int64_t at = (n * pixels + p) * stride + c;
        std::memcpy(dst, src + at * static_cast<int64_t>(size), size);
      }
    }
  }
}

}  // namespace

// Shows each of `values` to the hooks through a handle of its own, valid while they run.
void Engine::Observe(std::span<const int> values, const std::string& op,
                     const std::vector<TensorHook>& hooks) {
  if (hooks.empty()) return;
  for (const int index : values) {
    const plan::ValueInfo& value = model().values[static_cast<size_t>(index)];
    const steps::Tensor tensor = context_.value(index);
    const size_t size = SizeOf(value.dtype);
    watched_.name = value.name;
    watched_.type = ToPaddle(value.dtype);
    watched_.shape.assign(tensor.dims.span().begin(), tensor.dims.span().end());
    auto* copy = static_cast<char*>(watched_.Allocate(watched_.Numel(), size));
    if (value.layout == graph::Layout::kNhwc) {
      CopyInLogicalOrder(tensor, size, copy);
    } else {
      std::memcpy(copy, tensor.data, watched_.bytes);
    }
    const std::unique_ptr<paddle_infer::Tensor> handle = Handle(false, outputs_.size());
    for (const TensorHook& hook : hooks) hook(op, watched_.name, *handle);
  }
}

class HookCaller : public runtime::StepObserver {
 public:
  explicit HookCaller(Engine& engine) : engine_(engine) {}
  void Before(size_t step) override {
    const plan::PlannedStep& planned = engine_.model().steps[step];
    engine_.Observe(planned.inputs, planned.info.op, engine_.hooks_.input);
  }
  void After(size_t step) override {
    const plan::PlannedStep& planned = engine_.model().steps[step];
    engine_.Observe(planned.outputs, planned.info.op, engine_.hooks_.output);
  }

 private:
  Engine& engine_;
};

void Engine::Run() {
  for (size_t i = 0; i < inputs_.size(); ++i) SetInput(i);
  for (Slot& slot : outputs_) slot.data = nullptr;
  HookCaller caller(*this);
  try {
    ThrowIfError(context_.Run(hooks_.empty() ? nullptr : &caller));
  } catch (const std::bad_alloc&) {
    Throw("ResourceExhausted", "not enough memory for the activations");
  }
  for (size_t i = 0; i < outputs_.size(); ++i) ReadOutput(i);
}

void Engine::ClearIntermediateTensor() {
  TryShrinkMemory();
  for (Slot& slot : inputs_) {
    slot.data = nullptr;
    slot.bytes = 0;
    slot.own = AlignedBuffer();
  }
}

uint64_t Engine::TryShrinkMemory() {
  for (Slot& slot : outputs_) {
    if (slot.data != slot.external) slot.data = nullptr;
  }
  return context_.ReleaseMemory();
}

std::vector<std::string> NamesOf(const std::vector<TensorInfo>& tensors) {
  std::vector<std::string> names;
  for (const TensorInfo& tensor : tensors) names.push_back(tensor.name);
  return names;
}

std::map<std::string, std::vector<int64_t>> ShapesOf(const std::vector<TensorInfo>& tensors) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const TensorInfo& tensor : tensors) shapes[tensor.name] = tensor.dims;
  return shapes;
}

std::map<std::string, paddle_infer::DataType> TypesOf(const std::vector<TensorInfo>& tensors) {
  std::map<std::string, paddle_infer::DataType> types;
  for (const TensorInfo& tensor : tensors) types[tensor.name] = ToPaddle(tensor.dtype);
  return types;
}

}  // namespace skiff::api
