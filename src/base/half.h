// float16 and bfloat16 as bit patterns, to and from float, on any CPU.
#pragma once

#include <bit>
#include <cstdint>

namespace skiff {

// Exact: every float16 is a float.
inline float FromHalf(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
  const uint32_t rest = half & 0x7FFFU;
  uint32_t bits = 0;
  if (rest >= 0x7C00U) {  // infinity and NaN
    bits = 0x7F800000U | (rest & 0x3FFU) << 13;
  } else if (rest >= 0x400U) {
    bits = (rest << 13) + (uint32_t{127 - 15} << 23);
  } else {
    bits = std::bit_cast<uint32_t>(static_cast<float>(rest) * 0x1p-24F);
  }
  return std::bit_cast<float>(sign | bits);
}

// Exact.
inline float FromBFloat16(uint16_t bfloat) {
  return std::bit_cast<float>(static_cast<uint32_t>(bfloat) << 16);
}

// Towards zero, as Paddle does where it was not built for F16C; beyond the largest float16, 65504,
// infinity.
inline uint16_t ToHalf(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000U);
  const uint32_t rest = bits & 0x7FFFFFFFU;
  uint32_t half = 0;
  if (rest > 0x7F800000U) {
    const uint32_t payload = (rest & 0x7FFFFFU) >> 13;
    half = 0x7C00U | (payload > 0 ? payload : 1U);
  } else if (rest > 0x477FE000U) {
    half = 0x7C00U;
  } else if (rest >= 0x38800000U) {  // 2^-14, the least normal number
    half = (rest - (uint32_t{127 - 15} << 23)) >> 13;
  } else {
    half = static_cast<uint32_t>(std::bit_cast<float>(rest) * 0x1p24F);
  }
  return static_cast<uint16_t>(sign | half);
}

}  // namespace skiff
