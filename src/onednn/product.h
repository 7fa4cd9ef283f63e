// Matrix products in float.
#pragma once

#include <cstdint>
#include <memory>

#include "base/dims.h"
#include "base/status.h"
#include "onednn/primitive.h"
#include "onednn/weights.h"

namespace skiff::onednn {

// dst[M, N] = src[M, K] * weights[K, N] + bias[N], weights constant.
struct InnerProductSpec {
  int64_t k = 0;
  int64_t n = 0;
  bool transposed = false;      // the weights are given as [N, K]
  const float* bias = nullptr;  // [N], or null; must outlive the primitive
  Epilogue epilogue;            // scale must be 1
  Storages storages;
};

Result<std::unique_ptr<Primitive>> MakeInnerProduct(const InnerProductSpec& spec, int64_t m,
                                                    const Weights& weights, int threads);

// dst[batch..., M, N] = src[batch..., M, K] * right[batch..., K, N], both operands of each run.
struct BatchMatmulSpec {
  bool transpose_left = false;  // src lies as [..., K, M]
  bool transpose_right = false;
  Epilogue epilogue;
};

// `left` and `right` are the operands' extents as they lie, of one rank >= 2; leading extents are
// equal or 1.
Result<std::unique_ptr<Primitive>> MakeBatchMatmul(const BatchMatmulSpec& spec, const Dims& left,
                                                   const Dims& right, int threads);

}  // namespace skiff::onednn
