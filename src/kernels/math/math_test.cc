#include "kernels/math/math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace skiff::kernels::math {
namespace {

// The greatest error over about a million floats of [low, high], in units of the last place.
template <typename F, typename G>
double WorstUlp(F f, G truth, float low, float high) {
  double worst = 0;
  const double step = (static_cast<double>(high) - low) / 1'000'000;
  for (int i = 0; i <= 1'000'000; ++i) {
    const auto x = static_cast<float>(low + i * step);
    const double want = truth(static_cast<double>(x));
    const double unit = std::ldexp(1.0, std::ilogb(std::max(std::fabs(want), 1.1754944e-38)) - 23);
    worst = std::max(worst, std::fabs(f(x) - want) / unit);
  }
  return worst;
}

TEST(MathTest, ErrorsStayBelowTwoUnits) {
  EXPECT_LT(WorstUlp(
                Exp, [](double x) { return std::exp(x); }, -87.3F, 88.7F),
            1.5);
  EXPECT_LT(WorstUlp(
                Log, [](double x) { return std::log(x); }, 1e-6F, 8.0F),
            1.5);
  EXPECT_LT(WorstUlp(
                Log, [](double x) { return std::log(x); }, 8.0F, 1e30F),
            1.5);
  EXPECT_LT(WorstUlp(
                Log1p, [](double x) { return std::log1p(x); }, -0.5F, 3.0F),
            3);
  EXPECT_LT(WorstUlp(
                Tanh, [](double x) { return std::tanh(x); }, -10.0F, 10.0F),
            2);
  EXPECT_LT(WorstUlp(
                Erf, [](double x) { return std::erf(x); }, -5.0F, 5.0F),
            2);
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  EXPECT_LT(WorstUlp(Sigmoid, sigmoid, -85.0F, 20.0F), 2.5);
}

TEST(MathTest, GeluIsAccurateOnBothSides) {
  const auto gelu = [](double x) { return x * 0.5 * std::erfc(-x * M_SQRT1_2); };
  EXPECT_LT(WorstUlp(Gelu, gelu, 0.0F, 20.0F), 4);
  EXPECT_LT(WorstUlp(Gelu, gelu, -1.0F, 0.0F), 8);
  EXPECT_LT(WorstUlp(Gelu, gelu, -5.5F, -1.0F), 128);
  for (const float x : {-5.8F, -20.0F, -1e30F, -std::numeric_limits<float>::infinity()}) {
    EXPECT_NEAR(Gelu(x), 0, 1e-7);
  }
  EXPECT_EQ(Gelu(0), 0);
  EXPECT_EQ(Gelu(1e30F), 1e30F);
}

TEST(MathTest, Edges) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(Exp(0), 1);
  EXPECT_EQ(Exp(1000), kInf);
  EXPECT_EQ(Exp(-1000), 0);
  EXPECT_EQ(Exp(kInf), kInf);
  EXPECT_EQ(Exp(-kInf), 0);
  EXPECT_NEAR(Exp(-100) / std::exp(-100.0), 1, 0.02);  // subnormal
  EXPECT_EQ(Log(1), 0);
  EXPECT_EQ(Log(0), -kInf);
  EXPECT_EQ(Log(kInf), kInf);
  EXPECT_TRUE(std::isnan(Log(-1)));
  EXPECT_EQ(Log1p(1e-30F), 1e-30F);
  EXPECT_EQ(Tanh(kInf), 1);
  EXPECT_EQ(Tanh(-100), -1);
  EXPECT_EQ(Tanh(1e-30F), 1e-30F);
  EXPECT_EQ(Erf(kInf), 1);
  EXPECT_EQ(Erf(-7), -1);
  EXPECT_EQ(Sigmoid(-kInf), 0);
  EXPECT_EQ(Sigmoid(kInf), 1);
  EXPECT_EQ(Softplus(1000), 1000);
  EXPECT_EQ(Softplus(-1000), 0);
  for (float (*f)(float) :
       {+[](float x) { return Exp(x); }, +[](float x) { return Log(x); },
        +[](float x) { return Tanh(x); }, +[](float x) { return Erf(x); },
        +[](float x) { return Sigmoid(x); }, +[](float x) { return Softplus(x); }}) {
    EXPECT_TRUE(std::isnan(f(kNan)));
  }
}

TEST(MathTest, RoundHalfAwayIsTheLibrarys) {
  for (float x : {0.0F, 0.5F, -0.5F, 1.5F, 2.5F, -2.5F, 0.49999997F, -0.49999997F, 8388607.5F,
                  8388609.0F, -16777215.0F, 1e30F, 126.49999F}) {
    EXPECT_EQ(RoundHalfAway(x), std::round(x)) << x;
    EXPECT_EQ(std::signbit(RoundHalfAway(x)), std::signbit(std::round(x))) << x;
  }
}

}  // namespace
}  // namespace skiff::kernels::math
