// Engine: what a Predictor and its tensor handles share: a Context over a compiled model, and the
// memory of its inputs and outputs.
//
// Throws paddle::platform::EnforceNotMet. Nothing is allocated by a run, nor by setting or reading
// tensors, once the largest extents have been seen. Thread-safety: one thread at a time; clones are
// independent. Ownership: shared by the Predictor and the handles, so that none outlives it.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/hooks.h"
#include "base/aligned.h"
#include "paddle_infer/paddle_api.h"
#include "paddle_infer/paddle_tensor.h"
#include "runtime/context.h"

namespace skiff::api {

struct ConfigState;

// The memory behind one handle.
struct Slot {
  std::string name;
  std::vector<int> shape = {0};
  paddle_infer::DataType type = paddle_infer::FLOAT32;
  std::vector<std::vector<size_t>> lod;

  // Of an input, what the next run reads; of an output, what the last run wrote. Null: nothing.
  void* data = nullptr;
  size_t bytes = 0;  // that may be read at `data`

  AlignedBuffer own;         // inputs: memory that was not shared
  void* external = nullptr;  // outputs: where every run copies its result
  size_t external_bytes = 0;

  // Elements of `shape`; throws where they overflow.
  [[nodiscard]] size_t Numel() const;
  // The input's own memory, large enough for `count` elements of `size` bytes, contents kept.
  void* Allocate(size_t count, size_t size);
};

class Engine : public std::enable_shared_from_this<Engine> {
 public:
  // Reads and compiles the model of a config.
  static std::shared_ptr<Engine> Create(const ConfigState& config);
  Engine(std::shared_ptr<const plan::Model> model, const runtime::ContextOptions& options);
  void WarmUp() { context_.WarmUp(); }
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] std::shared_ptr<Engine> Clone() const;
  [[nodiscard]] const plan::Model& model() const { return context_.model(); }

  // Throws PreconditionNotMet for names that the model has not.
  [[nodiscard]] size_t FindInput(const std::string& name) const;
  [[nodiscard]] size_t FindOutput(const std::string& name) const;
  Slot& input(size_t index) { return inputs_[index]; }
  Slot& output(size_t index) { return index < outputs_.size() ? outputs_[index] : watched_; }
  std::unique_ptr<paddle_infer::Tensor> Handle(bool is_input, size_t index);
  std::unique_ptr<paddle::ZeroCopyTensor> ZeroCopyHandle(bool is_input, size_t index);

  // The hooks of this engine; clones have their own.
  Hooks& hooks() { return hooks_; }

  void Run();
  void ClearIntermediateTensor();
  uint64_t TryShrinkMemory();

 private:
  void SetInput(size_t index);
  void ReadOutput(size_t index);
  void Observe(std::span<const int> values, const std::string& op,
               const std::vector<TensorHook>& hooks);
  friend class HookCaller;

  runtime::Context context_;
  std::vector<Slot> inputs_;
  std::vector<Slot> outputs_;
  Hooks hooks_;
  Slot watched_;  // what a hook's tensor shows, while the hook runs
};

// What the getters of Predictor and PaddlePredictor tell of a model.
std::vector<std::string> NamesOf(const std::vector<TensorInfo>& tensors);
std::map<std::string, std::vector<int64_t>> ShapesOf(const std::vector<TensorInfo>& tensors);
std::map<std::string, paddle_infer::DataType> TypesOf(const std::vector<TensorInfo>& tensors);

}  // namespace skiff::api
