// AliasStep: its output is its input under other extents. Runs for free where the plan lets both
// share memory.
#pragma once

#include <functional>
#include <memory>

#include "base/dtype.h"
#include "steps/step.h"

namespace skiff::steps {

// The output's extents, of as many elements as input 0 has.
using ShapeRule = std::function<Result<Dims>(const ShapeContext& shapes)>;

std::unique_ptr<Step> MakeAliasStep(DType type, ShapeRule rule);

// The same extents as input 0.
std::unique_ptr<Step> MakeIdentityStep(DType type);

}  // namespace skiff::steps
