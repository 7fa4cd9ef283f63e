// The table that EnableProfile prints when a Predictor goes: time by operator type.
#pragma once

#include "runtime/context.h"

namespace skiff::api {

// To stdout. REQUIRES: the context was made with `profile`.
void PrintProfile(const runtime::Context& context);

}  // namespace skiff::api
