// UnaryStep: dst = f(src) for floats, in any memory layout; may run in place.
#pragma once

#include <memory>
#include <optional>

#include "base/isa.h"
#include "kernels/eltwise/unary.h"
#include "steps/int8_grid.h"
#include "steps/step.h"

namespace skiff::steps {

// `codes`: the results are rounded onto this grid. REQUIRES: CheckGrid(*codes).
std::unique_ptr<Step> MakeUnaryStep(Isa isa, kernels::UnaryOp op, kernels::UnaryParams params,
                                    const std::optional<CodeGrid>& codes = {});

}  // namespace skiff::steps
