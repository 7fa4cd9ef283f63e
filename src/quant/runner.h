// Runner: a program in memory, compiled and run on batches of calibration data.
//
// Used by one thread. Outputs and tensors are views, valid until the next run.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "runtime/context.h"
#include "skiff/quantize.h"
#include "skiff/session_types.h"

namespace skiff::quant {

struct RunnerOptions {
  Precision precision = Precision::kFp32;
  bool visible = false;  // every tensor can be read, under its own name
  // Of a visible runner: the variables of each set can be read together, when the last of them was
  // computed, and not later: memory is shared. Without any every tensor keeps its own memory.
  std::vector<std::vector<std::string>> together;
  bool profile = false;
  int threads = 1;
  size_t memory_limit = size_t{4} << 30;
};
// With the threads and the memory that the user gave.
RunnerOptions RunnerOptionsOf(const QuantizeOptions& options,
                              Precision precision = Precision::kFp32);

// A float32 tensor of a run; `data` is empty when there is no such tensor.
struct RunTensor {
  std::span<float> data;
  Dims dims;  // logical: N, C, H, W
  graph::Layout layout = graph::Layout::kPlain;
};

class Runner {
 public:
  static Result<std::unique_ptr<Runner>> Make(const program::Program& program,
                                              const RunnerOptions& options);

  // Errors: the batch does not fit the model's inputs.
  Status SetInputs(std::span<const TensorView> batch);
  Status Run(std::span<const TensorView> batch);

  // By the variable's name. Only of a visible runner.
  [[nodiscard]] RunTensor Find(std::string_view name) const;
  // The first output of the model. An error when it is not float32.
  [[nodiscard]] Result<TensorView> Output() const;

  // The step behind which the variables of set `i` can be read; nothing when one of them is no
  // float tensor that is computed.
  [[nodiscard]] const std::optional<size_t>& together(size_t i) const { return together_[i]; }

  [[nodiscard]] runtime::Context& context() { return context_; }
  [[nodiscard]] const plan::Model& model() const { return context_.model(); }

 private:
  Runner(std::shared_ptr<const plan::Model> model, const runtime::ContextOptions& options,
         std::vector<std::optional<size_t>> together);

  std::vector<std::optional<size_t>> together_;
  runtime::Context context_;
  std::map<std::string, int, std::less<>> values_;
};

// The values of `tensor` in the order in which `like` has its own; a view of `tensor` or of
// `scratch`. Empty when their extents differ.
std::span<const float> InOrderOf(const RunTensor& like, const RunTensor& tensor,
                                 std::vector<float>* scratch);

// The first sample of a batch whose inputs all have a free first extent; else the batch.
std::vector<TensorView> FirstSample(const std::vector<TensorView>& batch,
                                    std::span<const TensorInfo> inputs);

}  // namespace skiff::quant
