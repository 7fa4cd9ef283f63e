// Steps that change how values are stored: float <-> codes, NCHW <-> NHWC, or both at once.
#pragma once

#include <memory>

#include "base/dtype.h"
#include "base/isa.h"
#include "base/status.h"
#include "steps/int8_grid.h"
#include "steps/step.h"

namespace skiff::steps {

// How a 4-D value lies in memory; its extents are N, C, H, W either way. Values of another rank are
// always kPlain.
enum class MemoryLayout { kPlain, kNhwc };

// f32 -> codes: round(clamp(x * multiplier)) as QuantizeParamsOf says, NaN becoming the lowest
// code.
Result<std::unique_ptr<Step>> MakeQuantize(const CodeGrid& grid, MemoryLayout from, MemoryLayout to,
                                           Isa isa);
// codes -> f32: code * step.
Result<std::unique_ptr<Step>> MakeDequantize(const CodeGrid& grid, MemoryLayout from,
                                             MemoryLayout to, Isa isa);
// Any element type of 1, 2, 4 or 8 bytes.
Result<std::unique_ptr<Step>> MakeTransferLayout(DType dtype, MemoryLayout from, MemoryLayout to,
                                                 Isa isa);

}  // namespace skiff::steps
