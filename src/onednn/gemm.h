// One matrix product in float, row-major, for work outside a plan (the quantiser's).
// Thread-safe.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace skiff::onednn {

// c[m, n] = op(a) op(b) + beta c; op(a) is [m, k], op(b) [k, n]. A leading extent is the distance
// between rows as they lie.
struct GemmSpec {
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  bool transpose_a = false;  // a lies as [k, m]
  bool transpose_b = false;  // b lies as [n, k]
  int64_t lda = 0;
  int64_t ldb = 0;
  int64_t ldc = 0;
  float alpha = 1;
  float beta = 0;
};

Status Gemm(const GemmSpec& spec, const float* a, const float* b, float* c, int threads);

}  // namespace skiff::onednn
