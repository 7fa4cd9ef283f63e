// INT8 product of two activations (matmul, matmul_v2, bmm), such as those of attention: the right
// operand is packed in every run.
#pragma once

#include <memory>

#include "base/isa.h"
#include "base/status.h"
#include "steps/int8_grid.h"
#include "steps/onednn_product.h"
#include "steps/step.h"

namespace skiff::steps {

struct Int8MatmulSpec {
  MatmulSpec product;  // transpose_x false
  CodeGrid left;
  CodeGrid right;  // max_code at most 127
  bool output_is_float = false;
  CodeGrid output;
};

// Inputs: x and y, codes on spec.left and spec.right; output: codes on spec.output, or f32. A sum
// of more products than MaxConvDepth is an error of Reshape.
Result<std::unique_ptr<Step>> MakeInt8Matmul(const Int8MatmulSpec& spec, Isa isa);

}  // namespace skiff::steps
