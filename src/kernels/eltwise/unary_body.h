// The loops of unary.inc for one rung (rung.h).
#include "kernels/eltwise/rung.h"
#include "kernels/eltwise/unary.h"
#include "kernels/math/math.h"

namespace skiff::kernels::SKIFF_RUNG {
namespace unary {

using namespace math;  // NOLINT: the rows of unary.inc are written in its words

#define SKIFF_UNARY(name, value)                                                              \
  static void Run##name(float* dst, const float* src, int64_t n, const UnaryParams& params) { \
    [[maybe_unused]] const float a = params.a;                                                \
    [[maybe_unused]] const float b = params.b;                                                \
    SKIFF_INDEPENDENT                                                                         \
    for (int64_t i = 0; i < n; ++i) {                                                         \
      const float x = src[i];                                                                 \
      dst[i] = value;                                                                         \
    }                                                                                         \
  }
#include "kernels/eltwise/unary.inc"
#undef SKIFF_UNARY

}  // namespace unary

UnaryKernel Unary(UnaryOp op) {
  switch (op) {
#define SKIFF_UNARY(name, value) \
  case UnaryOp::k##name:         \
    return unary::Run##name;
#include "kernels/eltwise/unary.inc"
#undef SKIFF_UNARY
    case UnaryOp::kPow: break;
  }
  return nullptr;
}

}  // namespace skiff::kernels::SKIFF_RUNG
