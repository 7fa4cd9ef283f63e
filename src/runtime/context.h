// Context: one thread's state for running a Model: the shapes of the last run, the arena, oneDNN
// primitives, profile.
//
// The shape program runs when an input's extents (or a small integer input's values) differ from
// the last run's; otherwise a run goes straight to the steps. Memory only grows, to the largest
// shapes seen. Steps whose tensors outgrow L2 run on a few images of a batch after the other
// (batch_split.h), unless somebody watches: an observer, keep_all or a kept value see whole
// tensors. Thread-safety: one thread at a time; any number of Contexts over one Model.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "base/caches.h"
#include "base/thread_pool.h"
#include "plan/model.h"
#include "runtime/arena.h"
#include "runtime/batch_split.h"

namespace skiff::runtime {

// A value that can be read until a step has run, after its last reader too.
struct KeptValue {
  int value = -1;
  int until = 0;
};

struct ContextOptions {
  int threads = 1;
  size_t memory_limit = size_t{1} << 30;
  bool profile = false;
  bool keep_all = false;  // every tensor keeps its own memory (for `skiff compare`)
  std::vector<KeptValue> kept;
  CacheSizes caches = ThisMachinesCaches();
};

struct StepProfile {
  double total_ms = 0;
  int64_t runs = 0;
};

// Watches a run, step by step. What it throws leaves Run.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void Before(size_t step) = 0;
  virtual void After(size_t step) = 0;
  // Is it content with parts of a batch, and to be told of a step for each of them?
  [[nodiscard]] virtual bool TakesParts() const { return false; }
};

class Context {
 public:
  Context(std::shared_ptr<const plan::Model> model, const ContextOptions& options);

  // `data` must stay valid until Run returns. Errors: no such input, wrong type or rank.
  Status SetInput(size_t index, DType dtype, std::span<const int64_t> dims, const void* data);
  Status Run(StepObserver* observer = nullptr);
  // Runs once on zeros and forgets it, so that the first real run finds its memory bound and
  // touched. The first extent of an input may be open; with another one open nothing happens, and
  // what goes wrong is left for the first run to tell.
  void WarmUp();

  // The parts of Run, for teacher-forced comparison: Prepare evaluates shapes and binds memory,
  // RunStep runs one step on whatever its inputs hold. Both take whole batches.
  Status Prepare();
  Status RunStep(size_t step);

  [[nodiscard]] const plan::Model& model() const { return *model_; }
  [[nodiscard]] std::shared_ptr<const plan::Model> shared_model() const { return model_; }
  // True when the outputs hold what the last Run computed.
  [[nodiscard]] bool has_outputs() const { return has_outputs_; }
  // Extents of a value in the last run.
  [[nodiscard]] const Dims& dims(int index) const {
    return shapes_[static_cast<size_t>(index)].dims;
  }
  // How the last run went through the steps, in how many parts it took one, and what its tensors
  // were: one of the parts.
  [[nodiscard]] const std::vector<StepRange>& ranges() const { return ranges_; }
  [[nodiscard]] int64_t parts(size_t step) const;
  [[nodiscard]] std::span<const steps::Tensor> inputs(size_t step) const { return steps_[step].in; }
  [[nodiscard]] std::span<const steps::Tensor> outputs(size_t step) const {
    return steps_[step].out;
  }
  // After Run (all values only with keep_all).
  [[nodiscard]] steps::Tensor value(int index) const;
  [[nodiscard]] const std::vector<StepProfile>& profile() const { return profile_; }
  void ResetProfile();
  [[nodiscard]] size_t arena_bytes() const { return arena_.size(); }
  // Gives the activations' memory back, tensors of the last run with it; says how much that was.
  // The next run takes it anew.
  size_t ReleaseMemory();
  [[nodiscard]] const ContextOptions& options() const { return options_; }

 private:
  struct Input {
    bool is_set = false;
    bool copy = true;  // a reader reads past its end
    const void* data = nullptr;
    steps::TensorShape shape;
  };
  struct BoundStep {
    std::vector<const steps::TensorShape*> in_shapes;
    std::vector<steps::TensorShape*> out_shapes;
    std::vector<steps::Tensor> in;
    std::vector<steps::Tensor> out;
    std::vector<steps::TensorShape> part_shapes;  // inputs, then outputs
    std::vector<const steps::TensorShape*> part_in;
    std::vector<steps::TensorShape*> part_out;
    // Bytes from one part of the batch to the next, where the step takes parts; of a tensor that
    // does not leave its range 0: the next part lies where this one did.
    std::vector<size_t> in_advance;
    std::vector<size_t> out_advance;
    std::unique_ptr<steps::StepState> state;
    size_t workspace = 0;
  };

  Status CheckInputs() const;
  Status PrepareFor(bool whole);
  Status EvaluateShapes();
  Status ReshapeStep(size_t index);
  Status TakeWorkspace(size_t index, const steps::ShapeContext& shapes);
  Status PlaceStorages();
  Result<size_t> BytesOf(const plan::ValueInfo& value, const Dims& dims) const;
  void BindTensors();
  void BindInputs();
  void FindPartOffsets();
  [[nodiscard]] steps::Tensor TensorOf(int value, const Dims& dims) const;
  Status RunTimed(size_t step, bool counts);
  Status RunRange(const StepRange& range, StepObserver* observer);

  // context_parts.cc
  Status SplitIntoParts(bool whole);
  [[nodiscard]] bool IsConstant(int value) const;
  [[nodiscard]] bool MayTakeParts(size_t index) const;
  void FindTraffic();
  Result<bool> ReshapePart(size_t index, int64_t parts);
  void FindLifetimes();
  void BindParts(const StepRange& range);
  void Advance(const StepRange& range, int64_t parts);
  [[nodiscard]] void* Address(int value) const;

  std::shared_ptr<const plan::Model> model_;
  ContextOptions options_;
  ThreadPool pool_;
  std::vector<Input> inputs_;
  std::vector<steps::TensorShape> shapes_;  // by value
  std::vector<BoundStep> steps_;
  std::vector<plan::Storage> storages_;  // the model's, those of kept values longer
  BatchSplitter splitter_;
  std::vector<StepTraffic> traffic_;  // by step
  std::vector<StepRange> ranges_;
  std::vector<bool> takes_whole_;         // by step: found to fit no part of the batch
  std::vector<bool> is_input_;            // by storage
  std::vector<plan::Storage> lifetimes_;  // by storage: those that leave a range live through it
  std::vector<int64_t> storage_parts_;    // by storage: more than 1 where it holds one part
  std::vector<size_t> part_offsets_;  // by value: bytes from the beginning of what it is part of
  std::vector<size_t> sizes_;         // by storage
  std::vector<size_t> offsets_;       // by storage
  std::vector<void*> external_;       // by storage: the user's memory, where it is read in place
  ArenaPlanner planner_;
  AlignedBuffer arena_;
  AlignedBuffer workspace_;
  std::vector<StepProfile> profile_;
  bool shapes_changed_ = true;
  bool whole_ = false;  // the last run's batch was not split, whatever its shapes
  bool has_outputs_ = false;
};

}  // namespace skiff::runtime
