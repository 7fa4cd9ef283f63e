// Elementary functions on one float, written so that a compiler turns a loop over them into vector
// code on every rung, and so that every rung gives the same bits: only +, -, *, / and integer
// operations, each rounded once, no fma, no table, no branch.
//
// Accurate to 2 ulp over the normal range (math_test.cc measures it), NaN gives NaN. The
// coefficients are minimax fits (scripts/fit_polynomials.py).
// Every function has internal linkage and is always inlined, so that a file compiled for one rung
// never lends its code to another.
#pragma once

#include <cstdint>

#define SKIFF_MATH static inline __attribute__((always_inline))

namespace skiff::kernels::math {

SKIFF_MATH int32_t Bits(float x) { return __builtin_bit_cast(int32_t, x); }
SKIFF_MATH float FromBits(int32_t x) { return __builtin_bit_cast(float, x); }

// min and max that keep a NaN in x.
SKIFF_MATH float AtLeast(float x, float low) { return x < low ? low : x; }
SKIFF_MATH float AtMost(float x, float high) { return x > high ? high : x; }
SKIFF_MATH float Clamp(float x, float low, float high) { return AtMost(AtLeast(x, low), high); }

// 2^n for -126 <= n <= 127; arbitrary otherwise.
SKIFF_MATH float PowerOfTwo(int32_t n) {
  return FromBits(static_cast<int32_t>((static_cast<uint32_t>(n) + 127U) << 23));
}

// Half away from zero. The greatest float below 1/2 is added, so that 0.49999997 stays below 1.
SKIFF_MATH float RoundHalfAway(float x) {
  return __builtin_truncf(x + __builtin_copysignf(0.49999997F, x));
}

// e^x is what this returns times 2^n, for -104 <= x <= 89.
SKIFF_MATH float ExpFraction(float x, uint32_t* n_bits) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer, half to even
  const float shifted = x * 1.44269504F + kShift;
  const float n = shifted - kShift;
  // ln 2 in two parts; n * high is exact.
  const float r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
  const float r2 = r * r;
  float p = (1.395080937e-3F * r + 8.369073272e-3F) * r2;
  p = p + (4.166620225e-2F * r + 1.666651666e-1F);
  // With a NaN these bits are arbitrary and p is NaN.
  *n_bits = static_cast<uint32_t>(Bits(shifted)) - static_cast<uint32_t>(Bits(kShift));
  return (p * r + 5.0e-1F) * r2 + r + 1.0F;
}

// Subnormal results are rounded a second time; above 88.72 the result is infinity.
SKIFF_MATH float Exp(float x) {
  uint32_t n = 0;
  const float p = ExpFraction(Clamp(x, -104.0F, 89.0F), &n);
  // 2^n in two factors, because n goes from -150 to 128.
  const int32_t half = static_cast<int32_t>(n) >> 1;
  const int32_t rest = static_cast<int32_t>(n - static_cast<uint32_t>(half));
  return p * PowerOfTwo(half) * PowerOfTwo(rest);
}

// The same for -87 <= x <= 88; NaN gives NaN.
SKIFF_MATH float ExpOfNormal(float x) {
  uint32_t n = 0;
  const float p = ExpFraction(x, &n);
  return p * PowerOfTwo(static_cast<int32_t>(n));
}

// Subnormal arguments count as 2^-126; below zero the result is NaN, at zero minus infinity.
SKIFF_MATH float Log(float x) {
  const float v = AtLeast(x, 1.17549435e-38F);
  // v = m * 2^e with m in [sqrt(1/2), sqrt(2)).
  const int32_t from_root = Bits(v) - 0x3f3504f3;
  const int32_t e = from_root >> 23;
  const float m = FromBits((from_root & 0x007fffff) + 0x3f3504f3);
  const float f = m - 1.0F;
  float p = 6.915424764e-2F;
  p = p * f - 1.178983524e-1F;
  p = p * f + 1.187296584e-1F;
  p = p * f - 1.238434315e-1F;
  p = p * f + 1.421865821e-1F;
  p = p * f - 1.666925102e-1F;
  p = p * f + 2.000222653e-1F;
  p = p * f - 2.499998659e-1F;
  p = p * f + 3.333331048e-1F;
  const float n = static_cast<float>(e);
  const float f2 = f * f;
  const float low = p * f * f2 + n * -2.12194440e-4F - 0.5F * f2;
  float y = f + low + n * 0.693359375F;
  y = x > 3.40282347e+38F ? x : y;
  y = x == 0.0F ? -__builtin_inff() : y;
  y = x < 0.0F ? __builtin_nanf("") : y;
  return x != x ? x : y;
}

// log(1 + x) for x > -1, accurate near 0.
SKIFF_MATH float Log1p(float x) {
  const float u = 1.0F + x;
  const float d = u - 1.0F;
  // The rounding error of u is repaired by x / d; where d is 0 the answer is x itself.
  const float y = Log(u) * (x / (d == 0.0F ? 1.0F : d));
  const float z = d == 0.0F ? x : y;
  return x > 3.40282347e+38F ? x : z;
}

SKIFF_MATH float Sigmoid(float x) { return 1.0F / (1.0F + Exp(-x)); }

SKIFF_MATH float Tanh(float x) {
  const float a = __builtin_fabsf(x);
  const float z = x * x;
  float p = -5.717044696e-3F;
  p = p * z + 2.065058611e-2F;
  p = p * z - 5.374349654e-2F;
  p = p * z + 1.333149076e-1F;
  p = p * z - 3.333328366e-1F;
  const float small = x + x * (z * p);
  const float big = 1.0F - 2.0F / (Exp(2.0F * a) + 1.0F);
  return a < 0.625F ? small : __builtin_copysignf(big, x);
}

SKIFF_MATH float Erf(float x) {
  const float a = AtMost(__builtin_fabsf(x), 4.0F);
  const float z = a * a;
  const float z2 = z * z;
  float p = 7.889122935e-5F * z2 + (-8.020842215e-4F * z + 5.189535674e-3F);
  p = p * z2 + (-2.685444430e-2F * z + 1.128360033e-1F);
  p = p * z2 + (-3.761262596e-1F * z + 1.283791661e-1F);
  const float small = x + x * p;
  // log(erfc(a)) on 1 <= a <= 4.
  float q = 1.855740702e-4F * z + (-2.939607948e-3F * a + 2.180531994e-2F);
  q = q * z + (-1.030373722e-1F * a - 6.382256746e-1F);
  q = q * z + (-1.127040029F * a - 3.537187586e-4F);
  const float big = 1.0F - ExpOfNormal(q);  // -16 < q < 0
  return a < 1.0F ? small : __builtin_copysignf(big, x);
}

// x times the share of a normal distribution below x (Hendrycks and Gimpel, Gaussian Error Linear
// Units): max(x, 0) - |x| h, h the share below -|x|. Within 2e-7 of max(|x|, 1); unlike x / 2 (1 +
// erf(x / sqrt(2))) it keeps digits below zero.
SKIFF_MATH float Gelu(float x) {
  const float a = AtMost(__builtin_fabsf(x), 5.7F);
  const float a2 = a * a;
  float q = 7.871322031e-8F * a - 2.025982069e-6F;
  q = q * a2 + (2.039385642e-5F * a - 8.175782937e-5F);
  q = q * a2 + (-2.305156902e-4F * a + 5.091976784e-3F);
  q = q * a2 + (-3.653120423e-2F * a - 3.182502799e-1F);
  q = q * a2 + (-7.978912449e-1F * a - 6.931470634e-1F);
  return AtLeast(x, 0.0F) - a * ExpOfNormal(q);  // -19 < q < 0
}

// log(1 + e^x) without overflow.
SKIFF_MATH float Softplus(float x) { return AtLeast(x, 0.0F) + Log1p(Exp(-__builtin_fabsf(x))); }

}  // namespace skiff::kernels::math
