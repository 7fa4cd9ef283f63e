// What the attributes of a program's operators say, in the terms of nodes.h. Pure functions;
// Unsupported names what a tape cannot hold.
#pragma once

#include <cstdint>
#include <optional>

#include "base/dims.h"
#include "base/status.h"
#include "program/program.h"
#include "quant/reconstruct/nodes.h"

namespace skiff::quant {

// Every element j of `small` meets [outer, j, inner] of `large`; axis -1: their last extents meet.
std::optional<Broadcast> MakeBroadcast(const Dims& large, const Dims& small, int64_t axis);
// Of elementwise operators.
int64_t BroadcastAxis(const program::OpDesc& op);

Result<ActivationFunction> ReadActivation(const program::OpDesc& op);

struct ConvolutionAttributes {
  WindowGeometry window;
  int64_t groups = 1;
};
// `x` is [1, C, H, W].
Result<ConvolutionAttributes> ReadConvolution(const program::OpDesc& op, const Dims& x,
                                              const Dims& filter);

Result<PoolGeometry> ReadPool(const program::OpDesc& op, const Dims& x);

struct ProductAttributes {
  int64_t k = 0;
  int64_t n = 0;
  bool transposed = false;  // the weight lies as [N, K]
  int from = 1;             // the extents of the left operand that make up K
};
Result<ProductAttributes> ReadProduct(const program::OpDesc& op, const Dims& x, const Dims& weight);

}  // namespace skiff::quant
