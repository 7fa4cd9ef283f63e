// The program half of Convert: rewrites a program of representations R1 to R6 (docs/formats.md) as
// R3 with int8 weights.
#pragma once

#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "skiff/convert.h"

namespace skiff::quant {

// What a converted program's quantised operators carry: a Predictor then runs them in integers
// without being told, as it does for programs of save_quant_model.py.
inline constexpr const char* kDeployedInt8 = "deployed_int8";

// Errors name the operator and the variable; the program is then worth nothing.
Status ConvertProgram(program::Program* program, const ConvertOptions& options,
                      std::vector<ConvertedOperator>* operators);

}  // namespace skiff::quant
