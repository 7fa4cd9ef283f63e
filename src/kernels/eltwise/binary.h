// Binary kernels over rows: dst[r][c] = f(a[r][c], b[r][c]), where a and b advance by their own
// strides (0 repeats a value) and dst is dense. Equal bytes on every rung.
//
// dst may be a or b where that operand is dense too. Thread-safe.
#pragma once

#include <cstdint>

namespace skiff {
enum class Isa;
enum class DType : int32_t;
}  // namespace skiff

namespace skiff::kernels {

enum class BinaryOp {
  kAdd,
  kSub,
  kMul,
  kDiv,  // of integers: truncates
  kMax,
  kMin,
  kPow,
  kMod,       // with the divisor's sign
  kFloorDiv,  // of integers: rounds down
  // The result is bool.
  kEqual,
  kNotEqual,
  kLessThan,
  kLessEqual,
  kGreaterThan,
  kGreaterEqual,
  kLogicalAnd,
  kLogicalOr,
  kLogicalXor,
};

struct BinaryRows {
  int64_t rows = 0;
  int64_t cols = 0;
  // In elements.
  int64_t a_row = 0;
  int64_t b_row = 0;
  int64_t a_col = 0;
  int64_t b_col = 0;
};

using BinaryKernel = void (*)(void* dst, const void* a, const void* b, const BinaryRows& shape);

// The kernel for operands of `type`, null when there is none. REQUIRES of integer kDiv, kMod and
// kFloorDiv: no divisor is 0.
BinaryKernel SelectBinary(Isa isa, BinaryOp op, DType type);

// True for the operators whose result is bool.
bool IsPredicate(BinaryOp op);

}  // namespace skiff::kernels
