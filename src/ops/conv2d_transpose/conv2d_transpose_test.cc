#include "ops/conv2d_transpose/conv2d_transpose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "ops/testing/case_file.h"
#include "ops/testing/op_harness.h"

namespace skiff::ops {
namespace {

using testing::Array;
using testing::CaseLine;
using ::testing::HasSubstr;
using testing::Noise;
using testing::OpHarness;

class Conv2dTransposeCaseTest : public ::testing::TestWithParam<CaseLine> {};

void SetAttributes(const CaseLine& c, OpHarness* h) {
  for (const char* name : {"strides", "paddings", "dilations", "output_padding", "output_size"}) {
    if (c.Has(name)) h->Set(name, c.Ints(name));
  }
  if (c.Has("padding_algorithm")) {
    h->Set("padding_algorithm", c.Text("padding_algorithm").c_str());
  }
  h->Set("groups", c.Int("groups", 1));
  h->Set("fuse_activation", c.Text("act").c_str());
}

TEST_P(Conv2dTransposeCaseTest, StepIsTheReference) {
  const CaseLine& c = GetParam();
  OpHarness h(c.name);
  SetAttributes(c, &h);
  const Dims out = c.Extents("out");
  const Array x = Noise(c.Extents("in"), 1), filter = Noise(c.Extents("filter"), 2);
  const Array bias = Noise({out[1]}, 3);
  h.Input("Input", x);
  h.Constant("Filter", filter);
  if (c.Has("bias")) h.Constant("Bias", bias);
  h.Output("Output");
  auto attrs = ParseConv2dTranspose(h.node());
  ASSERT_TRUE(attrs.ok()) << attrs.status().ToString();
  Array want(DType::kFloat32, out);
  Conv2dTransposeRef(*attrs, x.dims(), x.As<float>().data(), filter.dims(),
                     filter.As<float>().data(), c.Has("bias") ? bias.As<float>().data() : nullptr,
                     out, want.As<float>().data());
  const Status status = h.Lower();
  ASSERT_TRUE(status.ok()) << status.ToString();
  for (const int threads : {1, 2}) {
    auto got = h.Run(threads);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    ASSERT_EQ((*got)[0].dims(), out);
    for (size_t i = 0; i < want.count(); ++i) {
      ASSERT_NEAR((*got)[0].As<float>()[i], want.As<float>()[i], 1e-5) << "at " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Conv2dTransposeCaseTest,
                         ::testing::ValuesIn(testing::ReadCases(
                             SKIFF_SOURCE_DIR "/src/ops/conv2d_transpose/cases.txt")));

// ---- integers

// Codes, and the floats that they stand for.
struct Codes {
  Array codes, floats;
  graph::Grid grid;

  Codes(const Dims& dims, DType dtype, double step, unsigned seed)
      : codes(dtype, dims), floats(DType::kFloat32, dims) {
    const int low = dtype == DType::kUInt8 ? 0 : -128;
    std::mt19937 generator(seed);
    auto* bytes = static_cast<int8_t*>(codes.data());
    for (size_t i = 0; i < codes.count(); ++i) {
      bytes[i] = static_cast<int8_t>(
          low + static_cast<int>(generator() % static_cast<unsigned>(128 - low)));
      floats.As<float>()[i] = static_cast<float>(bytes[i] * step);
    }
    grid.step = {step};
    grid.is_unsigned = dtype == DType::kUInt8;
  }
};

std::vector<CaseLine> UngroupedCases() {
  std::vector<CaseLine> cases =
      testing::ReadCases(SKIFF_SOURCE_DIR "/src/ops/conv2d_transpose/cases.txt");
  std::erase_if(cases, [](const CaseLine& c) { return c.Int("groups", 1) != 1; });
  return cases;
}

class Int8Conv2dTransposeTest : public ::testing::TestWithParam<CaseLine> {
 protected:
  // Powers of two: every result but a sigmoid's is exact.
  static void Check(const CaseLine& c, const Codes& x, bool float_output) {
    const Codes filter(c.Extents("filter"), DType::kInt8, 1.0 / 64, 2);
    const Dims out = c.Extents("out");
    const double step = c.Text("act") == "sigmoid" ? 1.0 / 128 : 16;
    Array bias = Noise({out[1]}, 3);
    for (float& b : bias.As<float>()) b = std::round(b * 16);
    OpHarness h(c.name);
    SetAttributes(c, &h);
    h.Input("Input", x.codes, x.grid);
    graph::Grid steps = filter.grid;
    steps.axis = 1;
    h.Constant("Filter", filter.codes, steps);
    if (c.Has("bias")) h.Constant("Bias", bias);
    graph::Grid out_grid;
    out_grid.step = {step};
    float_output ? h.Output("Output") : h.Output("Output", DType::kInt8, out_grid);
    auto attrs = ParseConv2dTranspose(h.node());
    ASSERT_TRUE(attrs.ok()) << attrs.status().ToString();
    Array want(DType::kFloat32, out);
    Conv2dTransposeRef(*attrs, x.codes.dims(), x.floats.As<float>().data(), filter.codes.dims(),
                       filter.floats.As<float>().data(),
                       c.Has("bias") ? bias.As<float>().data() : nullptr, out,
                       want.As<float>().data());
    for (const Isa isa : SupportedIsas()) {
      const Status status = h.Lower(isa);
      ASSERT_TRUE(status.ok()) << status.ToString();
      EXPECT_EQ(h.step().Info().precision, "int8");
      for (const int threads : {1, 2}) {
        auto got = h.Run(threads);
        ASSERT_TRUE(got.ok()) << got.status().ToString();
        ASSERT_EQ((*got)[0].dims(), out);
        for (size_t i = 0; i < want.count(); ++i) {
          const float real = want.As<float>()[i];
          if (float_output) {
            ASSERT_NEAR((*got)[0].As<float>()[i], real, step == 16 ? 0 : 1e-6)
                << Name(isa) << " at " << i;
          } else {
            const double code = std::clamp(std::nearbyint(real / step), -128.0, 127.0);
            ASSERT_NEAR((*got)[0].As<int8_t>()[i], code, 0) << Name(isa) << " at " << i;
          }
        }
      }
    }
  }
};

TEST_P(Int8Conv2dTransposeTest, EveryRungIsTheExactSumScaled) {
  const CaseLine& c = GetParam();
  for (const DType dtype : {DType::kUInt8, DType::kInt8}) {
    const Codes x(c.Extents("in"), dtype, 0.5, 1);
    Check(c, x, true);
    Check(c, x, false);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Int8Conv2dTransposeTest, ::testing::ValuesIn(UngroupedCases()));

TEST(Int8Conv2dTransposeRefusalTest, SaysWhatIsWrong) {
  const auto refusal = [](const Dims& filter, std::vector<int32_t> strides, int groups) {
    const Codes x({1, 6, 5, 5}, DType::kUInt8, 0.5, 1), w(filter, DType::kInt8, 0.5, 2);
    OpHarness h("conv2d_transpose");
    h.Set("strides", std::move(strides));
    h.Set("groups", groups);
    h.Input("Input", x.codes, x.grid);
    h.Constant("Filter", w.codes, w.grid);
    h.Output("Output");
    return h.LowerAndRun().status().ToString();
  };
  EXPECT_THAT(refusal({6, 2, 3, 3}, {100000, 100000}, 1), HasSubstr("stride of 100000 x 100000"));
  EXPECT_THAT(refusal({6, 2, 17, 17}, {2, 2}, 1), HasSubstr("at most 256 positions"));
  EXPECT_THAT(refusal({6, 2, 3, 3}, {2, 2}, 2), HasSubstr("groups other than 1"));
  EXPECT_THAT(refusal({5, 2, 3, 3}, {2, 2}, 1), HasSubstr("5 channels"));
}

TEST(Conv2dTransposeRefusalTest, SaysWhatIsWrong) {
  const auto make = [] {
    OpHarness h("conv2d_transpose");
    h.Input("Input", Noise({1, 6, 5, 5}, 1));
    h.Constant("Filter", Noise({6, 2, 3, 3}, 2));
    h.Output("Output");
    return h;
  };
  OpHarness bias = make();
  bias.Constant("Bias", Noise({3}, 3));
  EXPECT_THAT(bias.Lower().ToString(), HasSubstr("not one float32 per output channel"));
  OpHarness groups = make();
  groups.Set("groups", 4);
  EXPECT_THAT(groups.Lower().ToString(), HasSubstr("does not fit groups 4"));
  OpHarness size = make();
  size.Input("OutputSize", Array(DType::kInt32, {2}));
  EXPECT_THAT(size.Lower().ToString(), HasSubstr("output size that is computed"));
  OpHarness padding = make();
  padding.Set("output_padding", std::vector<int32_t>{-1, 0});
  EXPECT_THAT(padding.Lower().ToString(), HasSubstr("output_padding must be"));
}

}  // namespace
}  // namespace skiff::ops
