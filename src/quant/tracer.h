// Tracer: runs a program over batches with every variable readable under its own name.
//
// Nothing is fused or dropped, and every tensor keeps its memory until the next run. Used by one
// thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "graph/graph.h"
#include "program/program.h"
#include "runtime/context.h"
#include "skiff/quantize.h"

namespace skiff::quant {

struct TracerOptions {
  Precision precision = Precision::kFp32;
  int threads = 1;
  size_t memory_limit = size_t{4} << 30;
  // Runs stop once these are computed; empty: they go to the end.
  std::vector<std::string> wanted;
};

struct TracedTensor {
  const float* data = nullptr;
  Dims dims;  // logical: N, C, H, W
  graph::Layout layout = graph::Layout::kPlain;
};

class Tracer {
 public:
  static Result<std::unique_ptr<Tracer>> Make(const program::Program& program,
                                              const TracerOptions& options);

  // Number i of the data. Errors name the batch: wrong inputs, values that are not finite.
  Status Run(CalibrationData& data, int64_t i);
  Status Run(const std::vector<TensorView>& batch, int64_t i);

  // The index of a float tensor that is no constant; nothing when there is none of that name.
  [[nodiscard]] std::optional<int> Find(std::string_view name) const;
  [[nodiscard]] TracedTensor Read(int index) const;
  [[nodiscard]] runtime::Context& context() { return context_; }

 private:
  Tracer(std::shared_ptr<const plan::Model> model, const TracerOptions& options);
  Status SetInputs(const std::vector<TensorView>& batch, const std::string& which);

  runtime::Context context_;
  size_t steps_ = 0;  // to run
};

}  // namespace skiff::quant
