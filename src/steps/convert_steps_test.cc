#include "steps/convert_steps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "steps/testing/step_runner.h"

namespace skiff::steps {
namespace {

using testing::Array;
using testing::StepRunner;

Array RandomFloats(const Dims& dims) {
  std::mt19937 engine(7);
  std::uniform_real_distribution<float> values(-3.0F, 3.0F);
  Array array(DType::kFloat32, dims);
  for (float& v : array.As<float>()) v = values(engine);
  return array;
}

// The index in NHWC memory of the element at index i of NCHW memory.
size_t NhwcIndex(const Dims& d, size_t i) {
  const auto w = static_cast<int64_t>(i) % d[3];
  const auto h = static_cast<int64_t>(i) / d[3] % d[2];
  const auto c = static_cast<int64_t>(i) / (d[3] * d[2]) % d[1];
  const auto n = static_cast<int64_t>(i) / (d[3] * d[2] * d[1]);
  return static_cast<size_t>(((n * d[2] + h) * d[3] + w) * d[1] + c);
}

constexpr auto kPlain = MemoryLayout::kPlain;
constexpr auto kNhwc = MemoryLayout::kNhwc;
const CodeGrid kGrid = {.step = 0.02};

Array RunOne(const Step& step, const Array& x, DType type, int threads) {
  StepRunner runner(step, threads);
  Result<std::vector<Array>> out = runner.Run({x}, {type});
  EXPECT_TRUE(out.ok()) << out.status().ToString();
  return (*out)[0];
}

class ConvertTest : public ::testing::TestWithParam<int> {};

TEST_P(ConvertTest, QuantizeAndBackThroughEveryLayout) {
  for (const Isa isa : SupportedIsas()) {
    const Dims dims = {2, 70, 9, 31};
    const Array x = RandomFloats(dims);
    for (const MemoryLayout from : {kPlain, kNhwc}) {
      for (const MemoryLayout to : {kPlain, kNhwc}) {
        const auto quantize = MakeQuantize(kGrid, from, to, isa);
        ASSERT_TRUE(quantize.ok());
        const Array codes = RunOne(**quantize, x, DType::kInt8, GetParam());
        const auto dequantize = MakeDequantize(kGrid, to, from, isa);
        ASSERT_TRUE(dequantize.ok());
        const Array back = RunOne(**dequantize, codes, DType::kFloat32, GetParam());
        for (size_t i = 0; i < x.count(); ++i) {
          const size_t a = from == kNhwc ? NhwcIndex(dims, i) : i;
          const size_t b = to == kNhwc ? NhwcIndex(dims, i) : i;
          const float q = std::min(
              127.0F, std::max(-128.0F, std::nearbyint(x.As<float>()[a] *
                                                       QuantizeParamsOf(kGrid).multiplier)));
          ASSERT_EQ(codes.As<int8_t>()[b], static_cast<int8_t>(q));
          ASSERT_EQ(back.As<float>()[a], q * 0.02F);
        }
      }
    }
  }
}

TEST_P(ConvertTest, TransferLayoutOfOneChannelOrPixel) {
  for (const Dims& dims : {Dims{2, 1, 400, 500}, Dims{3, 5, 1, 1}}) {
    const Array x = RandomFloats(dims);
    for (const bool to_nhwc : {true, false}) {
      const auto step = MakeTransferLayout(DType::kFloat32, to_nhwc ? kPlain : kNhwc,
                                           to_nhwc ? kNhwc : kPlain, SupportedIsas().back());
      ASSERT_TRUE(step.ok());
      const Array y = RunOne(**step, x, DType::kFloat32, GetParam());
      EXPECT_EQ(0, std::memcmp(y.data(), x.data(), x.bytes()));
    }
  }
}

TEST_P(ConvertTest, TransferLayoutOfEverySize) {
  const Dims dims = {2, 5, 6, 7};
  for (const DType dtype : {DType::kUInt8, DType::kFloat16, DType::kFloat32, DType::kInt64}) {
    const size_t size = SizeOf(dtype);
    Array x(dtype, dims);
    for (size_t i = 0; i < x.bytes(); ++i) {
      static_cast<uint8_t*>(x.data())[i] = static_cast<uint8_t>(i * 37 + i / 256);
    }
    const auto step = MakeTransferLayout(dtype, kPlain, kNhwc, SupportedIsas().back());
    ASSERT_TRUE(step.ok());
    const Array y = RunOne(**step, x, dtype, GetParam());
    for (size_t i = 0; i < x.count(); ++i) {
      ASSERT_EQ(0, std::memcmp(static_cast<char*>(x.data()) + i * size,
                               static_cast<char*>(y.data()) + NhwcIndex(dims, i) * size, size));
    }
    const auto inverse = MakeTransferLayout(dtype, kNhwc, kPlain, SupportedIsas().back());
    ASSERT_TRUE(inverse.ok());
    const Array back = RunOne(**inverse, y, dtype, GetParam());
    EXPECT_EQ(0, std::memcmp(back.data(), x.data(), x.bytes()));
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ConvertTest, ::testing::Values(1, 3));

TEST(ConvertErrorTest, SaysWhatIsWrong) {
  const auto step = MakeQuantize(kGrid, kPlain, kNhwc, Isa::kScalar);
  ASSERT_TRUE(step.ok());
  StepRunner runner(**step);
  const auto out = runner.Run({Array(DType::kFloat32, {3, 4})}, {DType::kInt8});
  ASSERT_FALSE(out.ok());
  EXPECT_NE(out.status().message().find("[3, 4]"), std::string::npos);
  EXPECT_FALSE(MakeQuantize({.step = 0.0}, kPlain, kPlain, Isa::kScalar).ok());
  EXPECT_FALSE(MakeTransferLayout(DType::kUInt8, kPlain, kPlain, Isa::kScalar).ok());
}

// Paddle: (127 * (1 / s)) * x, each operation in float.
TEST(QuantizeParamsTest, MultiplierIsPaddles) {
  const float threshold = 2.9F;
  const CodeGrid grid = {.step = double{threshold} / 127, .is_unsigned = true};
  EXPECT_EQ(QuantizeParamsOf(grid).multiplier, 127.0F * (1.0F / threshold));
  const CodeGrid full = {.step = double{threshold} / 255, .is_unsigned = true, .max_code = 255};
  EXPECT_EQ(QuantizeParamsOf(full).multiplier, 255.0F * (1.0F / threshold));
  EXPECT_EQ(QuantizeParamsOf(full).hi, 255.0F);
}

}  // namespace
}  // namespace skiff::steps
