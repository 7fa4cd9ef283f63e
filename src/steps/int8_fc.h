// INT8 fully connected layer (fc, mul, matmul with a constant [K, N] operand).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/isa.h"
#include "base/status.h"
#include "kernels/epilogue/epilogue.h"
#include "steps/int8_grid.h"
#include "steps/step.h"

namespace skiff::steps {

struct Int8FcSpec {
  int64_t k = 0;
  int64_t n = 0;
  std::span<const int8_t> weights;  // [K, N] row-major; read while the step is made, not kept
  std::vector<double> weight_step;  // 1 or n
  std::vector<float> bias;          // empty or n, real units
  CodeGrid input;
  // The input is [dims before in_num_col_dims..., dims from it on = K]; -1: all but the last.
  int in_num_col_dims = 1;
  kernels::Activation activation;
  bool output_is_float = false;
  CodeGrid output;
  const KernelChoices* choices = nullptr;  // null: the cost model decides; not kept
};

// Input: x (codes on spec.input). Output: the leading extents of x, then N.
Result<std::unique_ptr<Step>> MakeInt8Fc(const Int8FcSpec& spec, Isa isa);

}  // namespace skiff::steps
