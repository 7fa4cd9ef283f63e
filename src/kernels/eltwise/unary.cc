#define SKIFF_RUNG scalar
#include <cmath>

#include "base/isa.h"
#include "kernels/eltwise/eltwise_isa.h"
#include "kernels/eltwise/unary_body.h"

namespace skiff::kernels {
namespace avx2 {
UnaryKernel Unary(UnaryOp op);
}  // namespace avx2
namespace avx512bw {
UnaryKernel Unary(UnaryOp op);
}  // namespace avx512bw

namespace {

// By the C library, which is accurate to 1 ulp but not the same on every CPU.
void RunPow(float* dst, const float* src, int64_t n, const UnaryParams& params) {
  for (int64_t i = 0; i < n; ++i) dst[i] = std::pow(src[i], params.a);
}

}  // namespace

UnaryKernel SelectUnary(Isa isa, UnaryOp op) {
  if (op == UnaryOp::kPow) return RunPow;
  return OfRung(isa, avx512bw::Unary(op), avx2::Unary(op), scalar::Unary(op));
}

const char* Name(UnaryOp op) {
  switch (op) {
#define SKIFF_UNARY(name, value) \
  case UnaryOp::k##name:         \
    return #name;
#include "kernels/eltwise/unary.inc"
#undef SKIFF_UNARY
    case UnaryOp::kPow: return "Pow";
  }
  return "";
}

}  // namespace skiff::kernels
