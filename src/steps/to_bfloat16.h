// float32 -> bfloat16 by oneDNN, in front of the steps that read it.
#pragma once

#include <memory>

#include "steps/convert_steps.h"
#include "steps/step.h"

namespace skiff::steps {

// Input: x; output: y, x rounded half to even.
std::unique_ptr<Step> MakeToBfloat16(MemoryLayout from, MemoryLayout to);

}  // namespace skiff::steps
