// The older interface: PaddlePredictor over the same Engine.
#include <cstring>

#include "api/config_state.h"
#include "api/engine.h"
#include "api/errors.h"
#include "api/log.h"
#include "api/types.h"
#include "paddle_infer/paddle_api.h"

namespace paddle {

using skiff::api::ConfigState;
using skiff::api::Engine;
using skiff::api::Slot;
using skiff::api::Throw;

PaddleBuf::PaddleBuf() : data_(nullptr), length_(0), capacity_(0) {}
PaddleBuf::PaddleBuf(std::size_t length) : PaddleBuf() { Resize(length); }
PaddleBuf::PaddleBuf(void* data, std::size_t length) : data_(data), length_(length), capacity_(0) {}
PaddleBuf::PaddleBuf(const PaddleBuf& other) : PaddleBuf() { *this = other; }
PaddleBuf::PaddleBuf(PaddleBuf&& other) noexcept
    : data_(other.data_), length_(other.length_), capacity_(other.capacity_) {
  other.data_ = nullptr;
  other.length_ = other.capacity_ = 0;
}
PaddleBuf& PaddleBuf::operator=(const PaddleBuf& other) {
  if (this == &other) return *this;
  if (capacity_ == 0) Reset(nullptr, 0);
  Resize(other.length_);
  if (length_ > 0) std::memcpy(data_, other.data_, length_);
  return *this;
}
PaddleBuf& PaddleBuf::operator=(PaddleBuf&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(length_, other.length_);
  std::swap(capacity_, other.capacity_);
  return *this;
}
PaddleBuf::~PaddleBuf() { Free(); }

void PaddleBuf::Free() {
  if (capacity_ > 0) delete[] static_cast<char*>(data_);
  data_ = nullptr;
  length_ = capacity_ = 0;
}

void PaddleBuf::Resize(std::size_t length) {
  if (length > capacity_) {
    if (capacity_ == 0 && data_ != nullptr) {
      if (length <= length_) return;
      Throw("PreconditionNotMet", "The memory is allocated externally, can not Resized");
    }
    Free();
    data_ = new char[length];
    capacity_ = length;
  }
  length_ = length;
}

void PaddleBuf::Reset(void* data, std::size_t length) {
  Free();
  data_ = data;
  length_ = length;
}

ZeroCopyTensor::ZeroCopyTensor(std::shared_ptr<Engine> engine, bool is_input, std::size_t index)
    : paddle_infer::Tensor(std::move(engine), is_input, index) {}
ZeroCopyTensor::~ZeroCopyTensor() = default;

PaddlePredictor::PaddlePredictor() = default;
PaddlePredictor::~PaddlePredictor() = default;

namespace {

class EnginePredictor : public PaddlePredictor {
 public:
  explicit EnginePredictor(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}

  bool Run(const std::vector<PaddleTensor>& inputs, std::vector<PaddleTensor>* output_data,
           int) override {
    const size_t count = engine_->model().inputs.size();
    if (inputs.size() != count) {
      Throw("InvalidArgument", "wrong feed input size, need " + std::to_string(count) +
                                   " but get " + std::to_string(inputs.size()) + ".");
    }
    for (size_t i = 0; i < count; ++i) {
      SetInput(inputs[i].name.empty() ? i : engine_->FindInput(inputs[i].name), inputs[i]);
    }
    engine_->Run();
    output_data->resize(engine_->model().outputs.size());
    for (size_t i = 0; i < output_data->size(); ++i) GetOutput(i, &(*output_data)[i]);
    return true;
  }

  std::vector<std::string> GetInputNames() override {
    return skiff::api::NamesOf(engine_->model().input_infos);
  }
  std::vector<std::string> GetOutputNames() override {
    return skiff::api::NamesOf(engine_->model().output_infos);
  }
  std::map<std::string, std::vector<int64_t>> GetInputTensorShape() override {
    return skiff::api::ShapesOf(engine_->model().input_infos);
  }
  std::map<std::string, std::vector<int64_t>> GetOutputTensorShape() override {
    return skiff::api::ShapesOf(engine_->model().output_infos);
  }
  std::map<std::string, PaddleDType> GetInputTypes() override {
    return skiff::api::TypesOf(engine_->model().input_infos);
  }
  std::map<std::string, PaddleDType> GetOutputTypes() override {
    return skiff::api::TypesOf(engine_->model().output_infos);
  }
  std::unique_ptr<ZeroCopyTensor> GetInputTensor(const std::string& name) override {
    return engine_->ZeroCopyHandle(true, engine_->FindInput(name));
  }
  std::unique_ptr<ZeroCopyTensor> GetOutputTensor(const std::string& name) override {
    return engine_->ZeroCopyHandle(false, engine_->FindOutput(name));
  }
  bool ZeroCopyRun() override {
    engine_->Run();
    return true;
  }
  void ClearIntermediateTensor() override { engine_->ClearIntermediateTensor(); }
  uint64_t TryShrinkMemory() override { return engine_->TryShrinkMemory(); }
  std::unique_ptr<PaddlePredictor> Clone(void*) override {
    return std::make_unique<EnginePredictor>(engine_->Clone());
  }

 private:
  void SetInput(size_t index, const PaddleTensor& from) {
    Slot& slot = engine_->input(index);
    slot.shape = from.shape;
    slot.type = from.dtype;
    slot.lod = from.lod;
    const size_t size = skiff::SizeOf(skiff::api::FromPaddle(from.dtype));
    const size_t bytes = slot.Numel() * size;
    if (bytes > from.data.length()) {
      Throw("InvalidArgument", "input " + slot.name + " has " + std::to_string(bytes) +
                                   " bytes by its shape, its data " +
                                   std::to_string(from.data.length()));
    }
    std::memcpy(slot.Allocate(slot.Numel(), size), from.data.data(), bytes);
  }

  void GetOutput(size_t index, PaddleTensor* to) {
    const Slot& slot = engine_->output(index);
    to->name = slot.name;
    to->shape = slot.shape;
    to->dtype = slot.type;
    to->lod = slot.lod;
    to->data.Resize(slot.bytes);
    std::memcpy(to->data.data(), slot.data, slot.bytes);
  }

  std::shared_ptr<Engine> engine_;
};

std::unique_ptr<PaddlePredictor> Create(const ConfigState& state) {
  return std::make_unique<EnginePredictor>(Engine::Create(state));
}

std::unique_ptr<PaddlePredictor> CreateNative(const NativeConfig& config) {
  ConfigState state;
  state.model_dir = config.model_dir;
  state.prog_file = config.prog_file;
  state.params_file = config.param_file;
  state.threads = config.cpu_math_library_num_threads();
  state.ir_optim = false;
  state.quiet = true;
  if (config.use_gpu) skiff::api::LogError("Please use PaddlePaddle with GPU version.");
  return Create(state);
}

}  // namespace

template <>
std::unique_ptr<PaddlePredictor> CreatePaddlePredictor<AnalysisConfig, PaddleEngineKind::kAnalysis>(
    const AnalysisConfig& config) {
  if (!config.is_valid()) {
    Throw("InvalidArgument", "Note: Each config can only be used for one predictor.");
  }
  config.SetInValid();
  return Create(ConfigState::Of(config));
}

template <>
std::unique_ptr<PaddlePredictor> CreatePaddlePredictor<NativeConfig, PaddleEngineKind::kAnalysis>(
    const NativeConfig& config) {
  return CreateNative(config);
}

template <>
std::unique_ptr<PaddlePredictor> CreatePaddlePredictor<NativeConfig, PaddleEngineKind::kNative>(
    const NativeConfig& config) {
  return CreateNative(config);
}

int PaddleDtypeSize(PaddleDType dtype) {
  const size_t size = skiff::SizeOf(skiff::api::FromPaddle(dtype));
  if (size == 0) Throw("InvalidArgument", "a type without a size");
  return static_cast<int>(size);
}

void UpdateDllFlag(const char* name, const char*) {
  Throw("NotFound", "The flag " + std::string(name) + " is not defined: this library has none");
}

}  // namespace paddle
