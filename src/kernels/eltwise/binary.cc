#define SKIFF_RUNG scalar
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <type_traits>

#include "base/dtype.h"
#include "base/isa.h"
#include "kernels/eltwise/binary_body.h"
#include "kernels/eltwise/eltwise_isa.h"

namespace skiff::kernels {
namespace avx2 {
BinaryKernel Binary(BinaryOp op);
}  // namespace avx2
namespace avx512bw {
BinaryKernel Binary(BinaryOp op);
}  // namespace avx512bw

namespace {

// Two's complement arithmetic of integers; plain arithmetic of floats.
template <typename T>
T Wrap(T a, T b, auto op) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(op(static_cast<U>(a), static_cast<U>(b)));
  } else {
    return op(a, b);
  }
}

struct Add {
  template <typename T>
  T operator()(T a, T b) const {
    return Wrap(a, b, [](auto x, auto y) { return x + y; });
  }
};
struct Sub {
  template <typename T>
  T operator()(T a, T b) const {
    return Wrap(a, b, [](auto x, auto y) { return x - y; });
  }
};
struct Mul {
  template <typename T>
  T operator()(T a, T b) const {
    return Wrap(a, b, [](auto x, auto y) { return x * y; });
  }
};
struct Div {
  template <typename T>
  T operator()(T a, T b) const {
    return b == T(-1) ? Sub()(T(0), a) : static_cast<T>(a / b);  // lowest / -1 would trap
  }
};
struct Max {
  template <typename T>
  T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
struct Min {
  template <typename T>
  T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};
struct Pow {
  float operator()(float a, float b) const { return std::pow(a, b); }
  template <typename T>
  T operator()(T a, T b) const {
    const double y = std::rint(std::pow(static_cast<double>(a), static_cast<double>(b)));
    // Out of range counts as the nearest end, which a bare cast would leave undefined.
    constexpr double kLimit = sizeof(T) == 8 ? 9223372036854775808.0 : 2147483648.0;
    if (!(y < kLimit)) return std::numeric_limits<T>::max();
    return y < -kLimit ? std::numeric_limits<T>::lowest() : static_cast<T>(y);
  }
};
struct Mod {
  float operator()(float a, float b) const {
    const float r = std::fmod(a, b);
    return r != 0 && (b < 0) != (r < 0) ? r + b : r;
  }
  template <typename T>
  T operator()(T a, T b) const {
    if (b == T(-1)) return 0;
    const T r = a % b;
    return r != 0 && (b < 0) != (r < 0) ? r + b : r;
  }
};
struct FloorDiv {
  float operator()(float a, float b) const { return std::floor(a / b); }
  template <typename T>
  T operator()(T a, T b) const {
    const T q = Div()(a, b);
    return Mod()(a, b) != 0 && (a < 0) != (b < 0) ? q - 1 : q;
  }
};

template <typename R, typename T, typename Fn>
void Run(void* dst, const void* a, const void* b, const BinaryRows& shape) {
  scalar::binary::Rows<R, T>(dst, a, b, shape, Fn());
}

template <typename T>
BinaryKernel Arithmetic(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd: return Run<T, T, Add>;
    case BinaryOp::kSub: return Run<T, T, Sub>;
    case BinaryOp::kMul: return Run<T, T, Mul>;
    case BinaryOp::kDiv: return Run<T, T, Div>;
    case BinaryOp::kMax: return Run<T, T, Max>;
    case BinaryOp::kMin: return Run<T, T, Min>;
    case BinaryOp::kPow: return Run<T, T, Pow>;
    case BinaryOp::kMod: return Run<T, T, Mod>;
    case BinaryOp::kFloorDiv: return Run<T, T, FloorDiv>;
    default: return nullptr;
  }
}

template <typename T>
BinaryKernel Predicate(BinaryOp op) {
  switch (op) {
    case BinaryOp::kEqual: return Run<bool, T, std::equal_to<>>;
    case BinaryOp::kNotEqual: return Run<bool, T, std::not_equal_to<>>;
    case BinaryOp::kLessThan: return Run<bool, T, std::less<>>;
    case BinaryOp::kLessEqual: return Run<bool, T, std::less_equal<>>;
    case BinaryOp::kGreaterThan: return Run<bool, T, std::greater<>>;
    case BinaryOp::kGreaterEqual: return Run<bool, T, std::greater_equal<>>;
    case BinaryOp::kLogicalAnd: return Run<bool, T, std::logical_and<>>;
    case BinaryOp::kLogicalOr: return Run<bool, T, std::logical_or<>>;
    case BinaryOp::kLogicalXor: return Run<bool, T, std::not_equal_to<>>;
    default: return nullptr;
  }
}

template <typename T>
BinaryKernel Any(BinaryOp op) {
  return IsPredicate(op) ? Predicate<T>(op) : Arithmetic<T>(op);
}

}  // namespace

bool IsPredicate(BinaryOp op) { return op >= BinaryOp::kEqual; }

namespace {

BinaryKernel Vectorised(Isa isa, BinaryOp op) {
  return OfRung(isa, avx512bw::Binary(op), avx2::Binary(op), scalar::Binary(op));
}

}  // namespace

BinaryKernel SelectBinary(Isa isa, BinaryOp op, DType type) {
  const bool logical = op >= BinaryOp::kLogicalAnd;
  switch (type) {
    case DType::kFloat32:
      if (const BinaryKernel kernel = Vectorised(isa, op)) return kernel;
      return logical ? nullptr : Any<float>(op);
    case DType::kInt32: return logical ? nullptr : Any<int32_t>(op);
    case DType::kInt64: return logical ? nullptr : Any<int64_t>(op);
    case DType::kBool:
      return logical || op == BinaryOp::kEqual || op == BinaryOp::kNotEqual ? Predicate<bool>(op)
                                                                            : nullptr;
    default: return nullptr;
  }
}

}  // namespace skiff::kernels
