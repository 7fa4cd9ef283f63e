// Pooling over NHWC values: f32 or codes (Paddle's pool2d, docs/formats.md).
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/isa.h"
#include "base/status.h"
#include "steps/int8_conv.h"
#include "steps/int8_grid.h"
#include "steps/step.h"

namespace skiff::steps {

struct PoolSpec {
  enum class Kind { kMax, kAverage };
  Kind kind = Kind::kMax;
  int64_t kernel_h = 1, kernel_w = 1;  // the output's extents when adaptive
  int64_t stride_h = 1, stride_w = 1;
  PaddingRule padding = PaddingRule::kExplicit;
  std::array<int64_t, 4> pads{};  // top, bottom, left, right
  bool global_pooling = false;
  bool adaptive = false;
  bool exclusive = true;
  bool ceil_mode = false;

  bool input_is_float = true;
  CodeGrid input;  // when the input is codes
  // Floats, and averages of codes: f32 or codes on `output`. Maxima of codes keep the input's type
  // and grid: both fields are ignored there.
  bool output_is_float = true;
  CodeGrid output;
};

Result<std::unique_ptr<Step>> MakePool(const PoolSpec& spec, Isa isa);

}  // namespace skiff::steps
