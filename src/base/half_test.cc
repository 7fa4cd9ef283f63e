#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace skiff {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What the bits stand for, computed another way.
double Meaning(uint32_t half) {
  const double sign = (half & 0x8000U) != 0 ? -1 : 1;
  const int exponent = static_cast<int>(half >> 10 & 31);
  const double fraction = half & 0x3FFU;
  return sign *
         (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

TEST(HalfTest, EveryFloat16IsAFloatAndBack) {
  for (uint32_t bits = 0; bits <= 0xFFFFU; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float x = FromHalf(half);
    EXPECT_EQ(ToHalf(x), half) << bits;
    EXPECT_EQ(std::signbit(x), bits >= 0x8000U) << bits;
    const uint32_t rest = bits & 0x7FFFU;
    if (rest > 0x7C00U) {
      EXPECT_TRUE(std::isnan(x)) << bits;
    } else if (rest == 0x7C00U) {
      EXPECT_TRUE(std::isinf(x)) << bits;
    } else {
      EXPECT_EQ(x, Meaning(bits)) << bits;
    }
  }
}

TEST(HalfTest, WhatLiesBetweenGoesTowardsZero) {
  for (uint32_t bits = 0; bits < 0x7BFFU; ++bits) {
    const float low = FromHalf(static_cast<uint16_t>(bits));
    const float high = FromHalf(static_cast<uint16_t>(bits + 1));
    const float middle = low + (high - low) / 2;
    EXPECT_EQ(ToHalf(middle), bits);
    EXPECT_EQ(ToHalf(std::nextafter(high, 0.0F)), bits);
    EXPECT_EQ(ToHalf(-std::nextafter(high, 0.0F)), bits | 0x8000U);
  }
}

TEST(HalfTest, Ends) {
  EXPECT_EQ(ToHalf(0.0F), 0);
  EXPECT_EQ(ToHalf(-0.0F), 0x8000);
  EXPECT_EQ(ToHalf(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(ToHalf(0x1p-24F), 1) << "the least subnormal number";
  EXPECT_EQ(ToHalf(65504.0F), 0x7BFF);
  EXPECT_EQ(ToHalf(65505.0F), 0x7C00);
  EXPECT_EQ(ToHalf(std::numeric_limits<float>::max()), 0x7C00);
  EXPECT_EQ(ToHalf(-kInfinity), 0xFC00);
  EXPECT_TRUE(std::isnan(FromHalf(ToHalf(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(FromHalf(ToHalf(std::bit_cast<float>(0x7F800001U)))))
      << "a payload that float16 has no place for";
}

TEST(HalfTest, BFloat16IsTheUpperHalf) {
  EXPECT_EQ(FromBFloat16(0x3F80), 1.0F);
  EXPECT_EQ(FromBFloat16(0xC049), -3.140625F);
  EXPECT_EQ(FromBFloat16(0x0001), std::bit_cast<float>(0x00010000U)) << "a subnormal number";
  EXPECT_EQ(FromBFloat16(0xFF80), -kInfinity);
  EXPECT_TRUE(std::isnan(FromBFloat16(0x7FC0)));
}

}  // namespace
}  // namespace skiff
