// BinaryStep: dst = f(a, b) with Paddle's broadcasting, in any memory layout.
#pragma once

#include <memory>
#include <optional>

#include "base/dtype.h"
#include "base/isa.h"
#include "kernels/eltwise/binary.h"
#include "steps/int8_grid.h"
#include "steps/step.h"

namespace skiff::steps {

struct BinaryConfig {
  kernels::BinaryOp op = kernels::BinaryOp::kAdd;
  DType type = DType::kFloat32;  // of both operands
  // Which axes of the operand of higher rank the other one lies along: its axis 0 is that operand's
  // `axis`; -1: its last axes are.
  int64_t axis = -1;
  // Which of the arrays lie N, H, W, C. Those must turn out to have four axes.
  bool nhwc_a = false;
  bool nhwc_b = false;
  bool nhwc_out = false;
  // The results, of type f32, are rounded onto this grid. REQUIRES: CheckGrid(*codes).
  std::optional<CodeGrid> codes;
  const char* name = "";  // of the operator, for messages and reports
};

// REQUIRES: kernels::SelectBinary has a kernel for op and type.
std::unique_ptr<Step> MakeBinaryStep(Isa isa, const BinaryConfig& config);

// Paddle's rule: the extents of the result and of both operands, all of one rank. Operands of
// unequal rank are aligned at `axis`, where trailing extents of 1 may stand out past the end.
struct Broadcasting {
  Dims out;
  Dims a;
  Dims b;
};
Result<Broadcasting> Broadcast(const Dims& a, const Dims& b, int64_t axis);

}  // namespace skiff::steps
