// Steps that round their float results onto a grid: the codes of the float step's results.
#include "steps/code_writer.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "steps/convert_steps.h"
#include "steps/eltwise_binary.h"
#include "steps/eltwise_unary.h"
#include "steps/int8_pool.h"
#include "steps/testing/step_runner.h"

namespace skiff::steps {
namespace {

using testing::Array;
using testing::StepRunner;

const CodeGrid kGrids[] = {{0.05, false, 127, RoundMode::kHalfAway},
                           {0.03, true, 127, RoundMode::kHalfEven}};

Array RandomFloats(const Dims& dims) {
  std::mt19937 engine(7);
  std::uniform_real_distribution<float> values(-9.0F, 9.0F);
  Array x(DType::kFloat32, dims);
  for (float& v : x.As<float>()) v = values(engine);
  return x;
}

using MakeStep = std::function<std::unique_ptr<Step>(Isa, std::optional<CodeGrid>)>;

Array Only(const Step& step, int threads, const std::vector<Array>& inputs, DType type) {
  StepRunner runner(step, threads);
  runner.in_place = true;
  auto out = runner.Run(inputs, {type});
  EXPECT_TRUE(out.ok()) << out.status().ToString();
  return std::move((*out)[0]);
}

void Check(const MakeStep& make, const std::vector<Array>& inputs) {
  for (const CodeGrid& grid : kGrids) {
    const std::unique_ptr<Step> plain = make(Isa::kScalar, {});
    const Array floats = Only(*plain, 1, inputs, DType::kFloat32);
    const auto quantize =
        MakeQuantize(grid, MemoryLayout::kPlain, MemoryLayout::kPlain, Isa::kScalar);
    ASSERT_TRUE(quantize.ok());
    const Array want = Only(**quantize, 1, {floats}, grid.dtype());
    for (const Isa isa : SupportedIsas()) {
      for (const int threads : {1, 2}) {
        const Array got = Only(*make(isa, grid), threads, inputs, grid.dtype());
        ASSERT_EQ(got.dims(), want.dims());
        ASSERT_EQ(std::memcmp(got.data(), want.data(), want.bytes()), 0)
            << Name(isa) << ", " << threads << " threads";
      }
    }
  }
}

TEST(CodeWriter, OfAFunctionOfOneFloat) {
  const MakeStep make = [](Isa isa, const std::optional<CodeGrid>& codes) {
    return MakeUnaryStep(isa, kernels::UnaryOp::kHardSwish, {}, codes);
  };
  for (const int64_t n : {1, 1023, 1024, 1025, 40000}) Check(make, {RandomFloats({n})});
}

// A picture times a factor for each channel (rows shorter than a tile), equal shapes (one long
// row), and rows longer than a tile.
TEST(CodeWriter, OfAFunctionOfTwoFloats) {
  const auto make = [](bool nhwc) -> MakeStep {
    return [nhwc](Isa isa, const std::optional<CodeGrid>& codes) {
      BinaryConfig config;
      config.op = kernels::BinaryOp::kMul;
      config.nhwc_a = config.nhwc_b = config.nhwc_out = nhwc;
      config.codes = codes;
      config.name = "elementwise_mul";
      return MakeBinaryStep(isa, config);
    };
  };
  Check(make(true), {RandomFloats({2, 40, 9, 7}), RandomFloats({2, 40, 1, 1})});
  Check(make(true), {RandomFloats({1, 3, 5, 5}), RandomFloats({1, 3, 5, 5})});
  Check(make(false), {RandomFloats({5, 3000}), RandomFloats({5, 1})});
  Check(make(false), {RandomFloats({3, 2100}), RandomFloats({2100})});
}

TEST(CodeWriter, OfPooling) {
  for (const bool average : {true, false}) {
    const MakeStep make = [average](Isa isa, const std::optional<CodeGrid>& codes) {
      PoolSpec spec;
      spec.kind = average ? PoolSpec::Kind::kAverage : PoolSpec::Kind::kMax;
      spec.kernel_h = spec.kernel_w = 3;
      spec.stride_h = spec.stride_w = 2;
      spec.output_is_float = !codes;
      if (codes) spec.output = *codes;
      auto step = MakePool(spec, isa);
      EXPECT_TRUE(step.ok()) << step.status().ToString();
      return std::move(*step);
    };
    Check(make, {RandomFloats({2, 19, 9, 7})});
    Check(make, {RandomFloats({1, 1500, 3, 3})});  // more channels than a tile
  }
}

}  // namespace
}  // namespace skiff::steps
