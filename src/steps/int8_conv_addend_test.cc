// FuseAddend against the two steps one after the other: equal bytes on every rung and number of
// threads.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "steps/int8_conv.h"
#include "steps/testing/step_runner.h"

namespace skiff::steps {
namespace {

using testing::Array;
using testing::StepRunner;

struct Layer {
  Int8ConvSpec spec;
  std::vector<int8_t> filter;
  Dims input;
};

class Pair {
 public:
  // `sum` reads 16 channels, `addend` 24.
  Pair(int64_t channels, int64_t sum_kernel, int64_t addend_stride) : engine_(1) {
    addend = Make(24, channels, 1, addend_stride);
    addend.spec.output_is_float = true;
    sum = Make(16, channels, sum_kernel, 1);
    sum.spec.residual = Int8ConvSpec::Residual::kFloat;
    sum.spec.output = {.step = 0.05, .is_unsigned = true};
    sum.spec.activation.kind = kernels::ActivationKind::kRelu;
    sum.input = {2, 16, 17, 13};
    addend.input = {2, 24, 17 * addend_stride, 13 * addend_stride};
  }

  Array Input(const Layer& layer) {
    Array x(DType::kUInt8, layer.input);
    for (uint8_t& v : x.As<uint8_t>()) v = static_cast<uint8_t>(Int(0, 127));
    return x;
  }

  Layer sum;
  Layer addend;

 private:
  int Int(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }

  Layer Make(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
    Layer layer;
    Int8ConvSpec& s = layer.spec;
    s.in_channels = in;
    s.out_channels = out;
    s.kernel_h = s.kernel_w = kernel;
    s.stride_h = s.stride_w = stride;
    s.pads.fill(kernel / 2);
    s.input = {.step = 0.02, .is_unsigned = true};
    layer.filter.resize(static_cast<size_t>(in * out * kernel * kernel));
    for (int8_t& w : layer.filter) w = static_cast<int8_t>(Int(-127, 127));
    s.filter = layer.filter;
    s.filter_step.assign(static_cast<size_t>(out), 0.01);
    for (int64_t c = 0; c < out; ++c) s.bias.push_back(static_cast<float>(Int(-9, 9)) / 7);
    return layer;
  }

  std::mt19937 engine_;
};

std::unique_ptr<Step> StepOf(const Layer& layer, Isa isa) {
  auto step = MakeInt8Conv(layer.spec, isa);
  EXPECT_TRUE(step.ok()) << step.status().ToString();
  return step.ok() ? std::move(*step) : nullptr;
}

void Check(Pair pair) {
  const Array x = pair.Input(pair.sum);
  const Array y = pair.Input(pair.addend);
  for (const Isa isa : SupportedIsas()) {
    std::unique_ptr<Step> sum = StepOf(pair.sum, isa);
    std::unique_ptr<Step> addend = StepOf(pair.addend, isa);
    const auto floats = StepRunner(*addend).Run({y}, {DType::kFloat32});
    ASSERT_TRUE(floats.ok()) << floats.status().ToString();
    const auto want = StepRunner(*sum).Run({x, (*floats)[0]}, {DType::kUInt8});
    ASSERT_TRUE(want.ok()) << want.status().ToString();
    const std::unique_ptr<Step> both = FuseAddend(&addend, &sum);
    ASSERT_NE(both, nullptr);
    for (const int threads : {1, 3}) {
      const auto got = StepRunner(*both, threads).Run({x, y}, {DType::kUInt8});
      ASSERT_TRUE(got.ok()) << got.status().ToString();
      ASSERT_TRUE((*got)[0].dims() == (*want)[0].dims());
      ASSERT_EQ(0, std::memcmp((*got)[0].data(), (*want)[0].data(), (*want)[0].bytes()))
          << Name(isa) << " threads " << threads;
    }
  }
}

TEST(FuseAddendTest, WritesTheBytesOfBothInTurn) {
  Check(Pair(32, 1, 1));
  Check(Pair(70, 1, 2));  // the last panel is not full
  Check(Pair(64, 3, 2));
}

TEST(FuseAddendTest, CountsTheWorkOfBoth) {
  const Pair pair(32, 3, 1);
  std::unique_ptr<Step> sum = StepOf(pair.sum, Isa::kScalar);
  std::unique_ptr<Step> addend = StepOf(pair.addend, Isa::kScalar);
  const std::unique_ptr<Step> both = FuseAddend(&addend, &sum);
  ASSERT_NE(both, nullptr);
  const Dims out = {2, 32, 17, 13};
  EXPECT_EQ(both->MultiplyAdds(std::vector<Dims>{pair.sum.input, pair.addend.input},
                               std::vector<Dims>{out}),
            out.Numel() * (16 * 9 + 24));
}

TEST(FuseAddendTest, RefusesExtentsThatDiffer) {
  Pair pair(32, 1, 1);
  pair.addend.input = {2, 24, 17, 12};
  std::unique_ptr<Step> sum = StepOf(pair.sum, Isa::kScalar);
  std::unique_ptr<Step> addend = StepOf(pair.addend, Isa::kScalar);
  const std::unique_ptr<Step> both = FuseAddend(&addend, &sum);
  ASSERT_NE(both, nullptr);
  const auto got =
      StepRunner(*both).Run({pair.Input(pair.sum), pair.Input(pair.addend)}, {DType::kUInt8});
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.status().message().find("[2, 32, 17, 12]"), std::string::npos)
      << got.status().ToString();
}

TEST(FuseAddendTest, LeavesOthersAsTheyWere) {
  const auto refuses = [](const Pair& pair) {
    std::unique_ptr<Step> sum = StepOf(pair.sum, Isa::kScalar);
    std::unique_ptr<Step> addend = StepOf(pair.addend, Isa::kScalar);
    const bool refused = FuseAddend(&addend, &sum) == nullptr;
    return refused && sum != nullptr && addend != nullptr;
  };
  Pair codes(32, 1, 1);
  codes.addend.spec.output_is_float = false;
  codes.addend.spec.output = {.step = 0.05};
  EXPECT_TRUE(refuses(codes));
  Pair alone(32, 1, 1);
  alone.sum.spec.residual = Int8ConvSpec::Residual::kNone;
  EXPECT_TRUE(refuses(alone));
  EXPECT_TRUE(refuses(Pair(2048, 3, 1))) << "its weights would not stay in cache";
}

}  // namespace
}  // namespace skiff::steps
