// Float matrix products by oneDNN: fully connected layers with constant weights, and products of
// two activations. Everything is row-major (kPlain).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "onednn/primitive.h"
#include "steps/step.h"

namespace skiff::steps {

// y = epilogue(x as [rows, K] * weights + bias).
struct FloatFcSpec {
  int64_t k = 0;
  int64_t n = 0;
  bool transposed = false;  // weights are [N, K] instead of [K, N]
  const float* weights = nullptr;
  std::shared_ptr<const void> weights_owner;  // keeps `weights` alive
  std::vector<float> bias;                    // empty or n
  onednn::Epilogue epilogue;
  onednn::Storages storages;
  // x is [extents before in_num_col_dims = rows, the rest = K]; -1: all but the last.
  int in_num_col_dims = 1;
  // What follows the rows' extents in the output; empty: N.
  std::vector<int64_t> out_tail;
};

// Input: x; output: y.
std::unique_ptr<Step> MakeOnednnFc(FloatFcSpec spec);

// How the extents of two operands make a product (docs/formats.md).
struct MatmulSpec {
  enum class Form {
    kMul,       // both flattened to matrices at *_num_col_dims
    kMatmul,    // batches; a transposed vector is a column on the left, a row on the right
    kMatmulV2,  // numpy.matmul; vectors ignore the transpose flags
  };
  Form form = Form::kMatmulV2;
  int x_num_col_dims = 1;
  int y_num_col_dims = 1;
  bool transpose_x = false;
  bool transpose_y = false;
  float alpha = 1;
};

// The product as batches of matrices: what the operands' extents are read as, and the output's.
struct MatmulShape {
  Dims left, right;  // of one rank >= 2, as they lie in memory
  bool transpose_left = false;
  bool transpose_right = false;
  Dims out;
  int64_t m = 0, n = 0, k = 0;
};
Result<MatmulShape> ResolveMatmul(const MatmulSpec& spec, const Dims& x, const Dims& y);
// Is the outermost extent of x, the operand on the left, one of batches of matrices?
bool HasMatrixPerImage(const MatmulSpec& spec, const Dims& x);

// Inputs: x, y; output: out.
std::unique_ptr<Step> MakeOnednnMatmul(const MatmulSpec& spec);

}  // namespace skiff::steps
