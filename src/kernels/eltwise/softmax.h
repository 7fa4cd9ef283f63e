// Softmax along the middle axis of [outer, n, inner], equal bytes on every rung: one exponential
// (math.h) and sums in a fixed order, over 16 lanes and a tree for rows (inner = 1), from first to
// last otherwise.
//
// dst may be src. Thread-safe.
#pragma once

#include <cstdint>

namespace skiff {
enum class Isa;
}

namespace skiff::kernels {

// n values each of `rows` rows.
using SoftmaxRowsKernel = void (*)(float* dst, const float* src, int64_t rows, int64_t n, bool log);
SoftmaxRowsKernel SelectSoftmaxRows(Isa isa);

// `cols` neighbouring columns of n values, `stride` apart. scratch holds 2 * cols floats.
using SoftmaxColumnsKernel = void (*)(float* dst, const float* src, int64_t n, int64_t stride,
                                      int64_t cols, float* scratch, bool log);
SoftmaxColumnsKernel SelectSoftmaxColumns(Isa isa);

}  // namespace skiff::kernels
