#include "ops/matmul/matmul.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "ops/testing/case_file.h"
#include "ops/testing/op_harness.h"

namespace skiff::ops {
namespace {

using testing::Array;
using testing::CaseLine;
using ::testing::HasSubstr;
using testing::Noise;
using testing::OpHarness;

class MatmulCaseTest : public ::testing::TestWithParam<CaseLine> {};

TEST_P(MatmulCaseTest, StepIsTheReference) {
  const CaseLine& c = GetParam();
  OpHarness h(c.name);
  for (const char* name : {"x_num_col_dims", "y_num_col_dims", "in_num_col_dims"}) {
    if (c.Has(name)) h.Set(name, c.Int(name, 1));
  }
  for (const char* name : {"transpose_X", "transpose_Y", "trans_x", "trans_y"}) {
    if (c.Has(name)) h.Set(name, c.Int(name, 0) != 0);
  }
  if (c.Has("alpha")) h.Set("alpha", c.Float("alpha", 1));
  if (c.Has("activation_type")) h.Set("activation_type", c.Text("activation_type").c_str());
  const Array x = Noise(c.Extents("x"), 1), y = Noise(c.Extents("y"), 2);
  h.Input(LeftSlot(h.node()), x);
  if (c.Has("const")) {
    h.Constant(RightSlot(h.node()), y);
  } else {
    h.Input(RightSlot(h.node()), y);
  }
  const Array bias = Noise({y.dims()[y.dims().rank() - 1]}, 3);
  if (c.Has("bias")) h.Constant("Bias", bias);
  h.Output("Out");

  auto attrs = ParseMatmul(h.node());
  ASSERT_TRUE(attrs.ok()) << attrs.status().ToString();
  auto shape = steps::ResolveMatmul(attrs->product, x.dims(), y.dims());
  ASSERT_TRUE(shape.ok()) << shape.status().ToString();
  ASSERT_EQ(shape->out, c.Extents("out"));
  Array want(DType::kFloat32, shape->out);
  MatmulRef(*attrs, *shape, x.As<float>().data(), y.As<float>().data(),
            c.Has("bias") ? bias.As<float>().data() : nullptr, want.As<float>().data());

  const Status status = h.Lower();
  ASSERT_TRUE(status.ok()) << status.ToString();
  for (const int threads : {1, 2}) {
    auto got = h.Run(threads);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    ASSERT_EQ((*got)[0].dims(), shape->out);
    for (size_t i = 0; i < want.count(); ++i) {
      ASSERT_NEAR((*got)[0].As<float>()[i], want.As<float>()[i], 1e-5) << "at " << i;
    }
  }
  EXPECT_THAT(h.step().Info().kernel, HasSubstr("onednn:"));
}

INSTANTIATE_TEST_SUITE_P(Cases, MatmulCaseTest,
                         ::testing::ValuesIn(testing::ReadCases(SKIFF_SOURCE_DIR
                                                                "/src/ops/matmul/cases.txt")));

TEST(MatmulRefusalTest, OperandsThatDoNotFit) {
  struct Case {
    const char* type;
    Dims x, y;
  };
  const Case cases[] = {{"mul", {3, 8}, {7, 6}},
                        {"matmul", {2, 3, 8}, {3, 8, 5}},
                        {"matmul_v2", {3, 8}, {6, 8}},
                        {"matmul_v2", {}, {8}}};
  for (const Case& c : cases) {
    OpHarness h(c.type);
    h.Input("X", Noise(c.x, 1));
    h.Input("Y", Noise(c.y, 2));
    h.Output("Out");
    const auto result = h.LowerAndRun();
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(result.status().ToString(), HasSubstr(c.y.ToString()));
  }
}

TEST(MatmulRefusalTest, ConstantWeightsThatDoNotFit) {
  OpHarness h("fc");
  h.Input("Input", Noise({3, 9}, 1));
  h.Constant("W", Noise({8, 6}, 2));
  h.Output("Out");
  EXPECT_THAT(h.LowerAndRun().status().ToString(), HasSubstr("must make 8"));
}

TEST(MatmulRefusalTest, AttributesAndBias) {
  OpHarness fused("matmul");
  fused.Input("X", Noise({2, 3}, 1));
  fused.Input("Y", Noise({3, 2}, 2));
  fused.Output("Out");
  fused.Set("fused_transpose_Out", std::vector<int32_t>{0, 2, 1, 3});
  EXPECT_THAT(fused.Lower().ToString(), HasSubstr("fused_transpose_Out"));

  OpHarness fc("fc");
  fc.Input("Input", Noise({3, 8}, 1));
  fc.Constant("W", Noise({8, 6}, 2));
  fc.Constant("Bias", Noise({5}, 2));
  fc.Output("Out");
  EXPECT_THAT(fc.Lower().ToString(), HasSubstr("not one float32 per column of W"));
}

TEST(MatmulTest, SumsOfNothingAreZero) {
  OpHarness h("matmul_v2");
  h.Input("X", Array(DType::kFloat32, {2, 0}));
  h.Input("Y", Array(DType::kFloat32, {0, 3}));
  h.Output("Out");
  auto result = h.LowerAndRun();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->dims(), (Dims{2, 3}));
  for (float v : result->As<float>()) EXPECT_EQ(v, 0.0F);
}

// ---- integers

TEST(MatmulInt8Test, EveryRungIsTheExactSumScaled) {
  const int64_t k = 40, n = 18;
  Array x(DType::kUInt8, {2, 3, k}), w(DType::kInt8, {k, n});
  std::mt19937 generator(7);
  for (uint8_t& v : x.As<uint8_t>()) v = static_cast<uint8_t>(generator() % 128);
  for (int8_t& v : w.As<int8_t>())
    v = static_cast<int8_t>(static_cast<int>(generator() % 255) - 127);
  Array turned(DType::kInt8, {n, k});
  for (int64_t i = 0; i < k * n; ++i) {
    turned.As<int8_t>()[static_cast<size_t>(i % n * k + i / n)] =
        w.As<int8_t>()[static_cast<size_t>(i)];
  }
  graph::Grid x_grid, w_grid;
  x_grid.step = {0.5};
  x_grid.is_unsigned = true;
  for (int64_t j = 0; j < n; ++j) w_grid.step.push_back(0.25 * static_cast<double>(j % 3 + 1));

  for (const bool transposed : {false, true}) {
    OpHarness h("matmul");
    h.Set("transpose_Y", transposed);
    h.Set("alpha", 2.0F);
    h.Input("X", x, x_grid);
    w_grid.axis = transposed ? 0 : 1;
    h.Constant("Y", transposed ? turned : w, w_grid);
    h.Output("Out");
    for (const Isa isa : SupportedIsas()) {
      const Status status = h.Lower(isa);
      ASSERT_TRUE(status.ok()) << status.ToString();
      auto got = h.Run();
      ASSERT_TRUE(got.ok()) << got.status().ToString();
      ASSERT_EQ((*got)[0].dims(), (Dims{2, 3, n}));
      for (int64_t i = 0; i < 6 * n; ++i) {
        int64_t sum = 0;
        for (int64_t p = 0; p < k; ++p) {
          sum += int64_t{x.As<uint8_t>()[static_cast<size_t>(i / n * k + p)]} *
                 w.As<int8_t>()[static_cast<size_t>(p * n + i % n)];
        }
        // Powers of two and small sums: every product is exact.
        const double want =
            static_cast<double>(sum) * 2 * 0.5 * 0.25 * static_cast<double>(i % n % 3 + 1);
        ASSERT_EQ((*got)[0].As<float>()[static_cast<size_t>(i)], static_cast<float>(want))
            << Name(isa);
      }
    }
  }
}

Array Codes(const Dims& dims, DType dtype, unsigned seed) {
  Array array(dtype, dims);
  std::mt19937 generator(seed);
  auto* bytes = static_cast<int8_t*>(array.data());
  for (size_t i = 0; i < array.count(); ++i) {
    const int low = dtype == DType::kUInt8 ? 0 : -128;
    bytes[i] = static_cast<int8_t>(
        low + static_cast<int>(generator() % (128U - static_cast<unsigned>(low))));
  }
  return array;
}

// The codes as floats.
Array Floats(const Array& codes) {
  Array array(DType::kFloat32, codes.dims());
  const auto* bytes = static_cast<const int8_t*>(codes.data());
  for (size_t i = 0; i < codes.count(); ++i) array.As<float>()[i] = bytes[i];
  return array;
}

graph::Grid GridOf(double step, DType dtype) {
  graph::Grid grid;
  grid.step = {step};
  grid.is_unsigned = dtype == DType::kUInt8;
  return grid;
}

// Of two activations, every rung with one thread and two: floats or codes that follow from the
// exact sums.
class MatmulOfCodesTest : public ::testing::TestWithParam<CaseLine> {
 protected:
  static void SetAttributes(const CaseLine& c, OpHarness* h) {
    for (const char* name : {"x_num_col_dims", "y_num_col_dims"}) {
      if (c.Has(name)) h->Set(name, c.Int(name, 1));
    }
    for (const char* name : {"transpose_Y", "trans_y"}) {
      if (c.Has(name)) h->Set(name, c.Int(name, 0) != 0);
    }
    if (c.Has("alpha")) h->Set("alpha", c.Float("alpha", 1));
  }

  static void CheckRungs(OpHarness* h, const Array& want, double step) {
    for (const Isa isa : SupportedIsas()) {
      const Status status = h->Lower(isa);
      ASSERT_TRUE(status.ok()) << status.ToString();
      EXPECT_EQ(h->step().Info().precision, "int8");
      for (const int threads : {1, 2}) {
        auto got = h->Run(threads);
        ASSERT_TRUE(got.ok()) << got.status().ToString();
        ASSERT_EQ((*got)[0].dims(), want.dims());
        for (size_t i = 0; i < want.count(); ++i) {
          const double real = want.As<float>()[i] * 0.5 * 0.25;
          if (step == 0) {
            ASSERT_FLOAT_EQ((*got)[0].As<float>()[i], static_cast<float>(real)) << Name(isa);
          } else {
            const double code = std::clamp(std::nearbyint(real / step), -128.0, 127.0);
            ASSERT_NEAR((*got)[0].As<int8_t>()[i], code, 0) << Name(isa) << " at " << i;
          }
        }
      }
    }
  }
};

TEST_P(MatmulOfCodesTest, EveryRungIsTheExactSumScaled) {
  const CaseLine& c = GetParam();
  for (const DType left : {DType::kUInt8, DType::kInt8}) {
    const Array x = Codes(c.Extents("x"), left, 1), y = Codes(c.Extents("y"), DType::kInt8, 2);
    for (const double step : {0.0, 64.0}) {  // 0: floats
      OpHarness h(c.name);
      SetAttributes(c, &h);
      h.Input("X", x, GridOf(0.5, left));
      h.Input("Y", y, GridOf(0.25, DType::kInt8));
      if (step == 0) {
        h.Output("Out");
      } else {
        h.Output("Out", DType::kInt8, GridOf(step, DType::kInt8));
      }
      auto attrs = ParseMatmul(h.node());
      ASSERT_TRUE(attrs.ok()) << attrs.status().ToString();
      auto shape = steps::ResolveMatmul(attrs->product, x.dims(), y.dims());
      ASSERT_TRUE(shape.ok()) << shape.status().ToString();
      Array want(DType::kFloat32, shape->out);
      MatmulRef(*attrs, *shape, Floats(x).As<float>().data(), Floats(y).As<float>().data(), nullptr,
                want.As<float>().data());
      CheckRungs(&h, want, step);
    }
  }
}

std::vector<CaseLine> ProductsOfActivations() {
  std::vector<CaseLine> cases = testing::ReadCases(SKIFF_SOURCE_DIR "/src/ops/matmul/cases.txt");
  std::erase_if(cases, [](const CaseLine& c) {
    const bool transposed = c.Int("transpose_X", 0) != 0 || c.Int("trans_x", 0) != 0;
    return c.Has("const") || transposed;
  });
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, MatmulOfCodesTest, ::testing::ValuesIn(ProductsOfActivations()));

TEST(MatmulOfCodesEdgeTest, SumsOfNothingAreZeroAndSumsThatOverflowAreRefused) {
  OpHarness h("matmul_v2");
  h.Input("X", Array(DType::kInt8, {2, 0}), GridOf(0.5, DType::kInt8));
  h.Input("Y", Array(DType::kInt8, {0, 3}), GridOf(0.5, DType::kInt8));
  h.Output("Out");
  auto result = h.LowerAndRun();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->dims(), (Dims{2, 3}));
  for (float v : result->As<float>()) EXPECT_EQ(v, 0.0F);

  OpHarness deep("matmul_v2");
  deep.Input("X", Array(DType::kInt8, {1, 140000}), GridOf(0.5, DType::kInt8));
  deep.Input("Y", Array(DType::kInt8, {140000, 1}), GridOf(0.5, DType::kInt8));
  deep.Output("Out");
  EXPECT_THAT(deep.LowerAndRun().status().ToString(), HasSubstr("may overflow"));
}

}  // namespace
}  // namespace skiff::ops
