// bfloat16 primitives against plain loops; they need a CPU, real or emulated, that multiplies it.
#include <gtest/gtest.h>

#include <cmath>

#include "base/half.h"
#include "onednn/conv.h"
#include "onednn/isa_cap.h"
#include "onednn/product.h"
#include "onednn/test_arrays.h"
#include "onednn/to_bfloat16.h"

namespace skiff::onednn {
namespace {

// Small integers, whose products and sums bfloat16 (up to 256) and float32 hold exactly.
std::vector<float> Integers(int64_t count, int most) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<int>(i * 7 % 13) % (2 * most + 1) - most);
  }
  return values;
}

std::vector<uint16_t> Upper(const std::vector<float>& values) {
  std::vector<uint16_t> upper;
  upper.reserve(values.size());
  for (const float v : values) {
    upper.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(v) >> 16));
  }
  return upper;
}

Status Execute(Result<std::unique_ptr<Primitive>> made, const void* src, void* dst) {
  if (!made.ok()) return made.status();
  const auto scratchpad = Scratchpad((*made)->scratchpad_bytes());
  return (*made)->Execute({.src = src, .dst = dst, .scratchpad = scratchpad.get()}, 1);
}

class Bfloat16Test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!MultipliesBfloat16()) GTEST_SKIP() << EffectiveIsa() << " does not multiply bfloat16";
  }
};

TEST_F(Bfloat16Test, ConversionRoundsHalfToEvenAndMoves) {
  // 1 + 2^-8 and 1 + 3 * 2^-8 lie half way between two neighbours.
  const std::vector<float> x{1.00390625F, 1.01171875F, -2.5F, 0, 3.0e38F, 1, 2, 3};
  std::vector<uint16_t> y(8);
  ASSERT_TRUE(Execute(MakeToBfloat16({8}, false, false, 1), x.data(), y.data()).ok());
  EXPECT_EQ(y[0], 0x3F80);
  EXPECT_EQ(y[1], 0x3F82);
  EXPECT_EQ(y[2], 0xC020);
  ASSERT_TRUE(Execute(MakeToBfloat16({1, 4, 1, 2}, false, true, 1), x.data(), y.data()).ok());
  EXPECT_EQ(y[1], 0xC020) << "the second channel's first element";
}

struct Conv {
  int64_t in, out, groups, kernel;
};

TEST_F(Bfloat16Test, ConvolutionOfIntegersIsExact) {
  for (const Conv& c :
       {Conv{3, 16, 1, 3}, Conv{16, 24, 1, 1}, Conv{20, 20, 20, 3}, Conv{8, 8, 2, 3}}) {
    for (const Storage stored : {Storage::kFloat32, Storage::kBfloat16}) {
      for (const bool residual : {false, true}) {
        SCOPED_TRACE(std::to_string(c.in) + " " + std::to_string(c.groups));
        const int64_t extent = 5, area = extent * extent, i_per_group = c.in / c.groups;
        const auto src = Integers(area * c.in, 2);
        const auto weights = Integers(c.out * i_per_group * c.kernel * c.kernel, 1);
        const auto bias = Integers(c.out, 3);
        const auto skip = Integers(area * c.out, 3);
        ConvSpec spec{.in_channels = c.in, .out_channels = c.out, .groups = c.groups};
        spec.kernel = {c.kernel, c.kernel};
        spec.bias = bias.data();
        spec.epilogue.residual = residual;
        spec.epilogue.activation = Activation::kRelu;
        spec.storages = {Storage::kBfloat16, stored};
        const int64_t pad = c.kernel / 2;
        const ConvExtents extents{1, {extent, extent}, {extent, extent}, {pad, pad}};
        const auto x = Upper(src);
        std::vector<float> y32 = skip;
        std::vector<uint16_t> y16 = Upper(skip);
        void* dst = stored == Storage::kFloat32 ? static_cast<void*>(y32.data()) : y16.data();
        const Weights packed(weights.data(), nullptr);
        const Status status = Execute(MakeConv(spec, extents, packed, 1), x.data(), dst);
        ASSERT_TRUE(status.ok()) << status.ToString();
        for (int64_t p = 0; p < area; ++p) {
          for (int64_t o = 0; o < c.out; ++o) {
            float sum = bias[static_cast<size_t>(o)];
            const int64_t first = o / (c.out / c.groups) * i_per_group;
            for (int64_t k = 0; k < c.kernel * c.kernel; ++k) {
              const int64_t row = p / extent + k / c.kernel - pad,
                            column = p % extent + k % c.kernel - pad;
              if (row < 0 || column < 0 || row >= extent || column >= extent) continue;
              for (int64_t i = 0; i < i_per_group; ++i) {
                sum +=
                    src[static_cast<size_t>((row * extent + column) * c.in + first + i)] *
                    weights[static_cast<size_t>((o * i_per_group + i) * c.kernel * c.kernel + k)];
              }
            }
            const auto at = static_cast<size_t>(p * c.out + o);
            if (residual) sum += skip[at];
            const float got = stored == Storage::kFloat32 ? y32[at] : FromBFloat16(y16[at]);
            ASSERT_EQ(got, std::fmax(sum, 0.0F)) << p << " " << o;
          }
        }
      }
    }
  }
}

TEST_F(Bfloat16Test, ProductIsFloat32UpToTheRoundingOfItsOperands) {
  const int64_t m = 3, k = 70, n = 9;
  const auto src = Noise(m * k, 1);
  const auto weights = Noise(k * n, 2);
  std::vector<uint16_t> x(src.size());
  ASSERT_TRUE(Execute(MakeToBfloat16({m, k}, false, false, 1), src.data(), x.data()).ok());
  std::vector<float> y(static_cast<size_t>(m * n)), wanted(y.size());
  InnerProductSpec spec{k, n, false, nullptr, {}, {}};
  const Weights plain(weights.data(), nullptr);
  ASSERT_TRUE(Execute(MakeInnerProduct(spec, m, plain, 1), src.data(), wanted.data()).ok());
  spec.storages = {Storage::kBfloat16, Storage::kFloat32};
  const Weights packed(weights.data(), nullptr);
  ASSERT_TRUE(Execute(MakeInnerProduct(spec, m, packed, 1), x.data(), y.data()).ok());
  // Each product of numbers up to 1 is off by 2 * 2^-9 at most.
  double difference = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    EXPECT_NEAR(y[i], wanted[i], static_cast<float>(k) / 256);
    difference += std::abs(y[i] - wanted[i]);
  }
  EXPECT_GT(difference, 0) << "bfloat16 has 8 bits";
}

}  // namespace
}  // namespace skiff::onednn
