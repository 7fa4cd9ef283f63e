// Sums and greatest values of rows, for the *_body.h files: over 16 lanes and a tree, so that every
// rung takes the same order. Internal linkage only.
#pragma once

#include <cstdint>

#include "kernels/math/math.h"

namespace skiff::kernels::SKIFF_RUNG {
namespace reduce {

constexpr int kLanes = 16;

// As wide as the rung's registers: compilers take wider ones apart, element by element.
#if defined(__AVX512F__)
typedef float Vector __attribute__((vector_size(64)));
#elif defined(__AVX2__)
typedef float Vector __attribute__((vector_size(32)));
#else
typedef float Vector __attribute__((vector_size(16)));
#endif
typedef float Quad __attribute__((vector_size(16)));
constexpr int kWidth = sizeof(Vector) / sizeof(float);

struct Max {
  template <typename T>
  SKIFF_MATH void Into(T& a, const T& b) {
    a = b > a ? b : a;
  }
};
struct Sum {
  template <typename T>
  SKIFF_MATH void Into(T& a, const T& b) {
    a += b;
  }
};

// Lanes k and k + 8, then k and k + 4, and so on.
template <typename Op>
SKIFF_MATH float Tree(const float (&lane)[kLanes]) {
  Quad v[4];
  __builtin_memcpy(v, lane, sizeof(v));
  Op::Into(v[0], v[2]);
  Op::Into(v[1], v[3]);
  Op::Into(v[0], v[1]);
  float a = v[0][0], b = v[0][1];
  Op::Into(a, v[0][2]);
  Op::Into(b, v[0][3]);
  Op::Into(a, b);
  return a;
}

struct Same {
  template <typename T>
  SKIFF_MATH T Of(const T& x) {
    return x;
  }
};

// Element i, as `each` makes it, is taken into lane i % kLanes, all of which start as `start`.
template <typename Op, typename Each = Same>
SKIFF_MATH float Reduce(const float* x, int64_t n, float start, const Each& each = {}) {
  Vector lanes[kLanes / kWidth];
  for (Vector& part : lanes) part = Vector{} + start;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int p = 0; p < kLanes / kWidth; ++p) {
      Vector next;
      __builtin_memcpy(&next, x + i + p * kWidth, sizeof(next));
      Op::Into(lanes[p], each.Of(next));
    }
  }
  float lane[kLanes];
  __builtin_memcpy(lane, lanes, sizeof(lane));
  for (int k = 0; i < n; ++i, ++k) Op::Into(lane[k], each.Of(x[i]));
  return Tree<Op>(lane);
}

}  // namespace reduce
}  // namespace skiff::kernels::SKIFF_RUNG
