// Unary float kernels: dst[i] = f(src[i]) for i < n, equal bytes on every rung (but kPow).
//
// dst may be src. Thread-safe; nothing is remembered between calls.
#pragma once

#include <cstdint>

namespace skiff {
enum class Isa;  // base/isa.h, which files of one rung may not include
}

namespace skiff::kernels {

enum class UnaryOp {
#define SKIFF_UNARY(name, expression) k##name,
#include "kernels/eltwise/unary.inc"
#undef SKIFF_UNARY
  kPow,  // x^a
};

struct UnaryParams {
  float a = 0;
  float b = 0;
};

using UnaryKernel = void (*)(float* dst, const float* src, int64_t n, const UnaryParams& params);

UnaryKernel SelectUnary(Isa isa, UnaryOp op);
const char* Name(UnaryOp op);

}  // namespace skiff::kernels
