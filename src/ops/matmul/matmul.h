// mul, matmul, matmul_v2, bmm and fc: attributes and the plain loops that specify them (matmul.md).
// Value types and pure functions.
#pragma once

#include <string_view>

#include "base/dims.h"
#include "base/status.h"
#include "graph/graph.h"
#include "ops/fused_activation.h"
#include "steps/onednn_product.h"

namespace skiff::ops {

struct MatmulAttrs {
  steps::MatmulSpec product;   // bmm is a matmul_v2, fc a mul
  FusedActivation activation;  // fc only
};

Result<MatmulAttrs> ParseMatmul(const graph::Node& node);

// The slots of the left and the right operand: Input and W for fc, else X and Y.
std::string_view LeftSlot(const graph::Node& node);
std::string_view RightSlot(const graph::Node& node);

// out = activation(alpha * x * y + bias); bias (one element per column) may be null. Sums in
// double. REQUIRES: `shape` is ResolveMatmul's.
void MatmulRef(const MatmulAttrs& attrs, const steps::MatmulShape& shape, const float* x,
               const float* y, const float* bias, float* out);

}  // namespace skiff::ops
