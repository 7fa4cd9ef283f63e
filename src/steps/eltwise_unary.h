// UnaryStep: dst = f(src) for floats, in any memory layout; may run in place.
#pragma once

#include <memory>

#include "base/isa.h"
#include "kernels/eltwise/unary.h"
#include "steps/step.h"

namespace skiff::steps {

std::unique_ptr<Step> MakeUnaryStep(Isa isa, kernels::UnaryOp op, kernels::UnaryParams params);

}  // namespace skiff::steps
