// Hooks of a Predictor: functions that see every tensor that a step reads or writes.
#pragma once

#include <vector>

#include "paddle_infer/paddle_inference_api.h"

namespace skiff::api {

using TensorHook = paddle_infer::TensorHookFunc;

struct Hooks {
  std::vector<TensorHook> input;   // called before each step, for each tensor that it reads
  std::vector<TensorHook> output;  // called after each step, for each tensor that it wrote

  [[nodiscard]] bool empty() const { return input.empty() && output.empty(); }
};

}  // namespace skiff::api
