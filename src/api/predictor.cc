#include <cstring>

#include "api/config_state.h"
#include "api/engine.h"
#include "api/errors.h"
#include "api/types.h"
#include "paddle_infer/paddle_inference_api.h"

// The signatures are Paddle's. NOLINTBEGIN(performance-unnecessary-value-param)
namespace paddle_infer {

using skiff::api::ConfigState;
using skiff::api::Engine;
using skiff::api::Slot;
using skiff::api::Throw;

namespace {

// A Config is used up by its Predictor.
std::shared_ptr<Engine> Consume(const Config& config) {
  if (!config.is_valid()) {
    Throw("InvalidArgument", "Note: Each config can only be used for one predictor.");
  }
  config.SetInValid();
  return Engine::Create(ConfigState::Of(config));
}

}  // namespace

Predictor::Predictor(const Config& config) : engine_(Consume(config)) {}
Predictor::Predictor(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}
Predictor::~Predictor() = default;

std::vector<std::string> Predictor::GetInputNames() {
  return skiff::api::NamesOf(engine_->model().input_infos);
}
std::vector<std::string> Predictor::GetOutputNames() {
  return skiff::api::NamesOf(engine_->model().output_infos);
}
std::unique_ptr<Tensor> Predictor::GetInputHandle(const std::string& name) {
  return engine_->Handle(true, engine_->FindInput(name));
}
std::unique_ptr<Tensor> Predictor::GetOutputHandle(const std::string& name) {
  return engine_->Handle(false, engine_->FindOutput(name));
}
std::map<std::string, std::vector<int64_t>> Predictor::GetInputTensorShape() {
  return skiff::api::ShapesOf(engine_->model().input_infos);
}
std::map<std::string, std::vector<int64_t>> Predictor::GetOutputTensorShape() {
  return skiff::api::ShapesOf(engine_->model().output_infos);
}
std::map<std::string, DataType> Predictor::GetInputTypes() {
  return skiff::api::TypesOf(engine_->model().input_infos);
}
std::map<std::string, DataType> Predictor::GetOutputTypes() {
  return skiff::api::TypesOf(engine_->model().output_infos);
}

bool Predictor::Run() {
  engine_->Run();
  return true;
}

bool Predictor::Run(const std::vector<paddle::Tensor>& inputs,
                    std::vector<paddle::Tensor>* outputs) {
  const size_t count = engine_->model().inputs.size();
  if (inputs.size() != count) {
    Throw("InvalidArgument", "wrong feed input size, need " + std::to_string(count) + " but get " +
                                 std::to_string(inputs.size()) + ".");
  }
  for (size_t i = 0; i < count; ++i) {
    const paddle::Tensor& input = inputs[i];
    if (!input.defined()) Throw("InvalidArgument", "input " + std::to_string(i) + " is empty");
    const size_t at = input.name().empty() ? i : engine_->FindInput(input.name());
    Slot& slot = engine_->input(at);
    const std::vector<int64_t> shape = input.shape();
    slot.shape.assign(shape.begin(), shape.end());
    slot.type = input.dtype();
    const size_t size = skiff::SizeOf(skiff::api::FromPaddle(slot.type));
    std::memcpy(slot.Allocate(slot.Numel(), size), input.raw_data(), slot.Numel() * size);
  }
  engine_->Run();
  outputs->clear();
  for (size_t i = 0; i < engine_->model().outputs.size(); ++i) {
    const Slot& slot = engine_->output(i);
    paddle::Tensor output = paddle::empty({slot.shape.begin(), slot.shape.end()}, slot.type);
    output.set_name(slot.name);
    std::memcpy(output.raw_data(), slot.data, slot.bytes);
    outputs->push_back(std::move(output));
  }
  return true;
}

std::unique_ptr<Predictor> Predictor::Clone(void*) {
  return std::unique_ptr<Predictor>(new Predictor(engine_->Clone()));
}
void Predictor::ClearIntermediateTensor() { engine_->ClearIntermediateTensor(); }
uint64_t Predictor::TryShrinkMemory() { return engine_->TryShrinkMemory(); }

void Predictor::RegisterOutputHook(const OutputTensorHookFunc& hook) {
  engine_->hooks().output.push_back(hook);
}
void Predictor::RegisterInputHook(const InputTensorHookFunc& hook) {
  engine_->hooks().input.push_back(hook);
}
void* Predictor::GetExecStream() const { return nullptr; }

std::shared_ptr<Predictor> CreatePredictor(const Config& config) {
  return std::make_shared<Predictor>(config);
}

int GetNumBytesOfDataType(DataType dtype) {
  switch (dtype) {
    case FLOAT32:
    case INT32: return 4;
    case INT64: return 8;
    case UINT8: return 1;
    default: return -1;
  }
}

std::string GetVersion() { return paddle::get_version(); }
std::tuple<int, int, int> GetTrtCompileVersion() { return {0, 0, 0}; }
std::tuple<int, int, int> GetTrtRuntimeVersion() { return {0, 0, 0}; }
void UpdateDllFlag(const char* name, const char* value) { paddle::UpdateDllFlag(name, value); }

void ConvertToMixedPrecision(const std::string& model_file, const std::string&, const std::string&,
                             const std::string&, PrecisionType, PlaceType, bool,
                             std::unordered_set<std::string>, std::unordered_set<std::string>) {
  Throw("Unavailable", "ConvertToMixedPrecision of " + model_file +
                           ": half-precision models are for GPUs and XPUs, which this build has "
                           "not");
}

namespace services {

PredictorPool::PredictorPool(const Config& config, std::size_t size) {
  if (size < 1) {
    Throw("InvalidArgument", "The predictor pool size should be greater than 1, but it's (" +
                                 std::to_string(size) + ")");
  }
  predictors_.push_back(CreatePredictor(config));
  while (predictors_.size() < size) predictors_.push_back(predictors_.front()->Clone());
}
PredictorPool::~PredictorPool() = default;

Predictor* PredictorPool::Retrive(std::size_t index) {
  if (index >= predictors_.size()) {
    Throw("InvalidArgument", "There are (" + std::to_string(predictors_.size()) +
                                 ") predictors in the pool, but the idx is (" +
                                 std::to_string(index) + ")");
  }
  return predictors_[index].get();
}
Predictor* PredictorPool::Retrieve(std::size_t index) { return Retrive(index); }

}  // namespace services

namespace experimental {

bool InternalUtils::RunWithExternalStream(Predictor*, void*) { return false; }
void InternalUtils::UpdateConfigInterleaved(Config*, bool) {}
void InternalUtils::SetTransformerPosid(Config*, const std::string&) {}
void InternalUtils::SetTransformerMaskid(Config*, const std::string&) {}

}  // namespace experimental
}  // namespace paddle_infer

// NOLINTEND(performance-unnecessary-value-param)
