// Every rung gives the bytes of the baseline, for all lengths around a vector; the baseline gives
// the formula.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/dtype.h"
#include "base/isa.h"
#include "kernels/eltwise/binary.h"
#include "kernels/eltwise/fake_quantize.h"
#include "kernels/eltwise/layer_norm.h"
#include "kernels/eltwise/softmax.h"
#include "kernels/eltwise/unary.h"

namespace skiff::kernels {
namespace {

constexpr int64_t kLengths[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100};

// Noise of several magnitudes, edges included.
std::vector<float> Noise(int64_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(n));
  const float scales[] = {0.1F, 1, 4, 30, 1000};
  for (float& v : values) v = normal(generator) * scales[generator() % 5];
  const float edges[] = {0.0F, -0.0F, std::numeric_limits<float>::infinity(),
                         -std::numeric_limits<float>::infinity(),
                         std::numeric_limits<float>::quiet_NaN()};
  for (size_t i = 0; i + 20 < values.size() && i < 5; ++i) values[i * 3] = edges[i];
  return values;
}

::testing::AssertionResult SameBytes(const std::vector<float>& a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0 && !(std::isnan(a[i]) && std::isnan(b[i]))) {
      return ::testing::AssertionFailure() << a[i] << " and " << b[i] << " at " << i;
    }
  }
  return ::testing::AssertionSuccess();
}

std::vector<Isa> Rungs() {
  std::vector<Isa> rungs = SupportedIsas();
  std::erase(rungs, Isa::kScalar);
  return rungs;
}

constexpr UnaryOp kUnaryOps[] = {
#define SKIFF_UNARY(name, value) UnaryOp::k##name,
#include "kernels/eltwise/unary.inc"
#undef SKIFF_UNARY
    UnaryOp::kPow};

TEST(UnaryTest, EveryRungGivesTheSameBytesAlsoInPlace) {
  for (UnaryOp op : kUnaryOps) {
    for (int64_t n : kLengths) {
      const std::vector<float> x = Noise(n, 1);
      std::vector<float> want(x.size());
      SelectUnary(Isa::kScalar, op)(want.data(), x.data(), n, {0.3F, 0.6F});
      for (Isa isa : Rungs()) {
        std::vector<float> got(x.size());
        SelectUnary(isa, op)(got.data(), x.data(), n, {0.3F, 0.6F});
        EXPECT_TRUE(SameBytes(got, want)) << Name(op) << " " << Name(isa) << " n " << n;
        std::vector<float> in_place = x;
        SelectUnary(isa, op)(in_place.data(), in_place.data(), n, {0.3F, 0.6F});
        EXPECT_TRUE(SameBytes(in_place, want)) << Name(op) << " in place, n " << n;
      }
    }
  }
}

TEST(BinaryTest, EveryRungGivesTheSameBytesForEveryBroadcast) {
  for (auto op = static_cast<int>(BinaryOp::kAdd); op <= static_cast<int>(BinaryOp::kGreaterEqual);
       ++op) {
    const BinaryKernel reference =
        SelectBinary(Isa::kScalar, static_cast<BinaryOp>(op), DType::kFloat32);
    ASSERT_NE(reference, nullptr);
    for (int64_t n : kLengths) {
      for (int pattern = 0; pattern < 4; ++pattern) {
        const BinaryRows shape{.rows = 3,
                               .cols = n,
                               .a_row = pattern & 1 ? n : 1,
                               .b_row = pattern & 2 ? n : 1,
                               .a_col = pattern & 1,
                               .b_col = pattern >> 1};
        const std::vector<float> a = Noise(3 * n + 3, 1);
        const std::vector<float> b = Noise(3 * n + 3, 2);
        std::vector<float> want(a.size());
        reference(want.data(), a.data(), b.data(), shape);
        for (Isa isa : Rungs()) {
          std::vector<float> got(a.size());
          SelectBinary(isa, static_cast<BinaryOp>(op), DType::kFloat32)(got.data(), a.data(),
                                                                        b.data(), shape);
          EXPECT_TRUE(SameBytes(got, want)) << "op " << op << " pattern " << pattern;
        }
      }
    }
  }
}

template <typename T>
std::vector<T> Integers(BinaryOp op, DType type, std::vector<T> a, std::vector<T> b) {
  std::vector<T> out(a.size());
  const auto n = static_cast<int64_t>(a.size());
  SelectBinary(Isa::kScalar, op, type)(out.data(), a.data(), b.data(),
                                       {.rows = 1, .cols = n, .a_col = 1, .b_col = 1});
  return out;
}

TEST(BinaryTest, IntegerDivisionAndItsEdges) {
  constexpr int32_t kLow = std::numeric_limits<int32_t>::min();
  const std::vector<int32_t> a{7, -7, 7, -7, kLow};
  const std::vector<int32_t> b{2, 2, -2, -2, -1};
  using V = std::vector<int32_t>;
  EXPECT_EQ(Integers(BinaryOp::kDiv, DType::kInt32, a, b), (V{3, -3, -3, 3, kLow}));
  EXPECT_EQ(Integers(BinaryOp::kFloorDiv, DType::kInt32, a, b), (V{3, -4, -4, 3, kLow}));
  EXPECT_EQ(Integers(BinaryOp::kMod, DType::kInt32, a, b), (V{1, 1, -1, -1, 0}));
  EXPECT_EQ(Integers<int32_t>(BinaryOp::kPow, DType::kInt32, {2, -3, 10, -10}, {10, 3, 20, 21}),
            (V{1024, -27, std::numeric_limits<int32_t>::max(), kLow}));
  constexpr int64_t kLow64 = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(Integers<int64_t>(BinaryOp::kMul, DType::kInt64, {kLow64, 3}, {-1, 4}),
            (std::vector<int64_t>{kLow64, 12}));
}

// Paddle's formula in the words of the specification.
float Quantize(float x, float s, bool half_even, float b) {
  const float inverse = s <= 1e-30F ? 1.0F / (s + 1e-6F) : 1.0F / s;
  if (half_even) {
    const float q = std::nearbyint((b * inverse) * x);
    return q < -b - 1 ? -b - 1 : (q > b ? b : q);
  }
  const float clipped = x < -s ? -s : (x > s ? s : x);
  return std::round((b * inverse) * clipped);
}

TEST(FakeQuantizeTest, EveryRungIsTheFormula) {
  const float scales[] = {0.0F, 1e-38F, 1e-30F, 0.013F, 1.0F, 12.7F, 1e6F};
  for (const float s : scales) {
    std::vector<float> x = Noise(100, 5);
    for (int k = -129; k < 130; ++k) {  // and everything next to a tie
      const float tie = (static_cast<float>(k) + 0.5F) * s / 127;
      for (float v : {tie, std::nextafter(tie, 1e9F), std::nextafter(tie, -1e9F)}) x.push_back(v);
    }
    const auto n = static_cast<int64_t>(x.size());
    for (const bool half_even : {false, true}) {
      std::vector<float> codes(x.size());
      std::vector<float> values(x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        codes[i] = Quantize(x[i], s, half_even, 127);
        values[i] = codes[i] * s / 127;
      }
      for (Isa isa : SupportedIsas()) {
        std::vector<float> got(x.size());
        const FakeQuantizeRows shape{.rows = 1, .cols = n, .scale = &s};
        SelectFakeQuantize(isa, half_even
                                    ? FakeQuantize::kQuantizeHalfEven
                                    : FakeQuantize::kQuantizeHalfAway)(got.data(), x.data(), shape);
        EXPECT_TRUE(SameBytes(got, codes)) << Name(isa) << " scale " << s << half_even;
        SelectFakeQuantize(isa, half_even ? FakeQuantize::kQuantizeDequantizeHalfEven
                                          : FakeQuantize::kQuantizeDequantizeHalfAway)(
            got.data(), x.data(), shape);
        EXPECT_TRUE(SameBytes(got, values)) << Name(isa) << " scale " << s << half_even;
      }
    }
  }
}

TEST(FakeQuantizeTest, AbsMaxOfEveryLength) {
  for (Isa isa : SupportedIsas()) {
    for (int64_t n : kLengths) {
      std::vector<float> x(static_cast<size_t>(n), 0.25F);
      EXPECT_EQ(SelectAbsMax(isa)(x.data(), n), n == 0 ? 0 : 0.25F);
      for (size_t i = 0; i < x.size(); ++i) {
        x[i] = -2;
        EXPECT_EQ(SelectAbsMax(isa)(x.data(), n), 2) << "at " << i << " of " << n;
        x[i] = 0.25F;
      }
    }
  }
}

TEST(LayerNormTest, EveryRung) {
  for (const int64_t n : kLengths) {
    if (n == 0) continue;
    std::mt19937 generator(9);
    std::normal_distribution<float> normal(2, 5);
    const auto draw = [&](int64_t count) {
      std::vector<float> v(static_cast<size_t>(count));
      for (float& f : v) f = normal(generator);
      return v;
    };
    const std::vector<float> x = draw(3 * n), scale = draw(n), bias = draw(n);
    for (const bool scaled : {false, true}) {
      for (const bool shifted : {false, true}) {
        const LayerNormParams params = {.n = n,
                                        .scale = scaled ? scale.data() : nullptr,
                                        .bias = shifted ? bias.data() : nullptr,
                                        .epsilon = 1e-5F};
        std::vector<float> want(x.size()), means(3), variances(3);
        SelectLayerNorm(Isa::kScalar)(want.data(), x.data(), 3, params, means.data(),
                                      variances.data());
        for (size_t r = 0; r < 3; ++r) {
          const float* row = x.data() + static_cast<int64_t>(r) * n;
          double mean = 0, variance = 0;
          for (int64_t i = 0; i < n; ++i) mean += row[i] / static_cast<double>(n);
          for (int64_t i = 0; i < n; ++i) {
            variance += (row[i] - mean) * (row[i] - mean) / static_cast<double>(n);
          }
          EXPECT_NEAR(means[r], mean, 1e-5);
          EXPECT_NEAR(variances[r], variance, 1e-4);
          for (int64_t i = 0; i < n; ++i) {
            const double y = (row[i] - mean) / std::sqrt(variance + 1e-5) *
                                 (scaled ? scale[static_cast<size_t>(i)] : 1) +
                             (shifted ? bias[static_cast<size_t>(i)] : 0);
            EXPECT_NEAR(want[r * static_cast<size_t>(n) + static_cast<size_t>(i)], y, 2e-4);
          }
        }
        for (const Isa isa : Rungs()) {
          std::vector<float> got = x;
          SelectLayerNorm(isa)(got.data(), got.data(), 3, params, nullptr, nullptr);
          EXPECT_TRUE(SameBytes(got, want)) << Name(isa) << " n " << n;
        }
      }
    }
  }
}

TEST(SoftmaxTest, RowsAndColumnsOnEveryRung) {
  for (const bool log : {false, true}) {
    for (int64_t n : kLengths) {
      if (n == 0) continue;
      std::mt19937 generator(7);
      std::normal_distribution<float> normal(0, 5);
      std::vector<float> x(static_cast<size_t>(3 * n));
      for (float& v : x) v = normal(generator);
      std::vector<float> want(x.size());
      SelectSoftmaxRows(Isa::kScalar)(want.data(), x.data(), 3, n, log);
      for (size_t r = 0; r < 3; ++r) {
        double sum = 0;
        for (int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[r * n + i]));
        for (int64_t i = 0; i < n; ++i) {
          const double v = x[r * n + i];
          EXPECT_NEAR(want[r * n + i], log ? v - std::log(sum) : std::exp(v) / sum,
                      log ? 1e-5 : 1e-6);
        }
      }
      for (Isa isa : Rungs()) {
        std::vector<float> got = x;
        SelectSoftmaxRows(isa)(got.data(), got.data(), 3, n, log);
        EXPECT_TRUE(SameBytes(got, want)) << Name(isa) << " n " << n;
      }
      // The same numbers as n columns of 3.
      std::vector<float> columns(x.size());
      std::vector<float> scratch(static_cast<size_t>(2 * n));
      SelectSoftmaxColumns(Isa::kScalar)(columns.data(), x.data(), 3, n, n, scratch.data(), log);
      for (int64_t c = 0; c < n; ++c) {
        double total = 0;
        for (int64_t i = 0; i < 3; ++i) {
          total += log ? std::exp(columns[i * n + c]) : columns[i * n + c];
        }
        EXPECT_NEAR(total, 1, 1e-5);
      }
      for (Isa isa : Rungs()) {
        std::vector<float> got = x;
        SelectSoftmaxColumns(isa)(got.data(), got.data(), 3, n, n, scratch.data(), log);
        EXPECT_TRUE(SameBytes(got, columns)) << Name(isa) << " n " << n;
      }
    }
  }
}

}  // namespace
}  // namespace skiff::kernels
