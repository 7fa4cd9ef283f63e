// Rows brought to mean 0 and variance 1, then scaled and shifted (Ba et al., Layer Normalization):
// dst = (src - mean) / sqrt(variance + epsilon) * scale + bias, equal bytes on every rung. Sums run
// over 16 lanes and a tree.
//
// dst may be src. Thread-safe.
#pragma once

#include <cstdint>

namespace skiff {
enum class Isa;
}

namespace skiff::kernels {

struct LayerNormParams {
  int64_t n = 0;                 // of a row
  const float* scale = nullptr;  // n, or null: 1
  const float* bias = nullptr;   // n, or null: 0
  float epsilon = 0;
};

// `mean` and `variance` take one value for each row; either may be null.
using LayerNormKernel = void (*)(float* dst, const float* src, int64_t rows,
                                 const LayerNormParams& params, float* mean, float* variance);
LayerNormKernel SelectLayerNorm(Isa isa);

}  // namespace skiff::kernels
