// Tracer: a Runner over calibration data: batches and what they make of tensors are checked, and a
// run stops once what is wanted of it is computed.
//
// Every variable can be read until the next run; where it is enough to read some at one moment of
// the run, memory is shared as in any other run. Used by one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "quant/runner.h"
#include "skiff/quantize.h"

namespace skiff::quant {

class Tracer {
 public:
  // Runs stop once the variables of `wanted` are computed; empty: they go to the end. Every tensor
  // is visible, whatever the options say.
  static Result<std::unique_ptr<Tracer>> Make(const program::Program& program,
                                              RunnerOptions options,
                                              const std::vector<std::string>& wanted = {});

  // With options.together tensors are read in visits: number v as soon as the variables of set v
  // are computed. Visits [begin, end) are made; a run stops after the last of them.
  using Visit = std::function<Status(size_t visit)>;
  Status Run(CalibrationData& data, int64_t i, size_t begin, size_t end, const Visit& visit);
  // Is set v there in a run?
  [[nodiscard]] bool CanVisit(size_t v) const { return runner_->together(v).has_value(); }

  // Number i of the data. Errors name the batch: wrong inputs, values that are not finite.
  Status Run(CalibrationData& data, int64_t i);
  Status Run(const std::vector<TensorView>& batch, int64_t i);

  // The index of a float tensor that is no constant; nothing when there is none of that name.
  [[nodiscard]] std::optional<int> Find(std::string_view name) const;
  [[nodiscard]] RunTensor Read(int index) const;
  [[nodiscard]] runtime::Context& context() { return runner_->context(); }

 private:
  Status Start(const std::vector<TensorView>& batch, const std::string& which);
  Tracer(std::unique_ptr<Runner> runner, const std::vector<std::string>& wanted);

  std::unique_ptr<Runner> runner_;
  size_t steps_ = 0;  // to run
};

}  // namespace skiff::quant
