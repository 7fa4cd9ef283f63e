#include "ops/conv2d/conv2d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ops/testing/case_file.h"
#include "ops/testing/op_harness.h"

namespace skiff::ops {
namespace {

using testing::Array;
using testing::CaseLine;
using ::testing::HasSubstr;
using testing::OpHarness;

Array Noise(const Dims& dims, unsigned seed, float scale = 1) {
  Array array(DType::kFloat32, dims);
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-scale, scale);
  for (float& v : array.As<float>()) v = uniform(generator);
  return array;
}

void SetAttributes(const CaseLine& c, OpHarness* h) {
  for (const char* name : {"strides", "paddings", "dilations"}) {
    if (c.Has(name)) h->Set(name, c.Ints(name));
  }
  for (const char* name : {"padding_algorithm", "data_format"}) {
    if (c.Has(name)) h->Set(name, c.Text(name).c_str());
  }
  h->Set("groups", c.Int("groups", 1));
  h->Set("fuse_activation", c.Text("act").c_str());
  h->Set("fuse_alpha", c.Float("alpha", 0));
  h->Set("fuse_beta", c.Float("beta", 0));
}

class Conv2dCaseTest : public ::testing::TestWithParam<CaseLine> {};

TEST_P(Conv2dCaseTest, FloatStepIsTheReference) {
  const CaseLine& c = GetParam();
  OpHarness h(c.name);
  SetAttributes(c, &h);
  const Dims in = c.Extents("in"), filter_dims = c.Extents("filter");
  const Array x = Noise(in, 1), filter = Noise(filter_dims, 2, 0.5F);
  const Array bias = Noise({filter_dims[0]}, 3);
  h.Input("Input", x);
  h.Constant("Filter", filter);
  if (c.Has("bias")) h.Constant("Bias", bias);
  auto attrs = ParseConv2d(h.node());
  ASSERT_TRUE(attrs.ok()) << attrs.status().ToString();
  auto out = InferConv2d(*attrs, in, filter_dims);
  ASSERT_TRUE(out.ok()) << out.status().ToString();
  const Array residual = Noise(*out, 4);
  if (c.Has("residual")) h.Input("ResidualData", residual);
  h.Output("Output");

  Array want(DType::kFloat32, *out);
  Conv2dRef(*attrs, in, x.As<float>().data(), filter_dims, filter.As<float>().data(),
            c.Has("bias") ? bias.As<float>().data() : nullptr,
            c.Has("residual") ? residual.As<float>().data() : nullptr, *out,
            want.As<float>().data());
  const Status status = h.Lower();
  ASSERT_TRUE(status.ok()) << status.ToString();
  for (const bool in_place : {false, true}) {
    auto got = h.Run(in_place ? 2 : 1, in_place);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    ASSERT_EQ((*got)[0].dims(), *out);
    for (size_t i = 0; i < want.count(); ++i) {
      ASSERT_NEAR((*got)[0].As<float>()[i], want.As<float>()[i], 1e-5) << "at " << i;
    }
  }
  EXPECT_THAT(h.step().Info().kernel, HasSubstr("onednn:"));
}

INSTANTIATE_TEST_SUITE_P(Cases, Conv2dCaseTest,
                         ::testing::ValuesIn(testing::ReadCases(SKIFF_SOURCE_DIR
                                                                "/src/ops/conv2d/cases.txt")));

// A 3x3 convolution over [1, 2, 5, 5] with what a test wants to be wrong.
OpHarness SmallConv() {
  OpHarness h("conv2d");
  h.Input("Input", Noise({1, 2, 5, 5}, 1));
  h.Constant("Filter", Noise({4, 2, 3, 3}, 2));
  h.Output("Output");
  return h;
}

TEST(Conv2dRefusalTest, SaysWhatIsWrong) {
  struct Case {
    const char* message;
    void (*spoil)(OpHarness*);
  };
  const Case cases[] = {
      {"strides must be two values of at least 1",
       [](OpHarness* h) {
         h->Set("strides", std::vector<int32_t>{0, 1});
       }},
      {"paddings has 3 values",
       [](OpHarness* h) {
         h->Set("paddings", std::vector<int32_t>{1, 1, 1});
       }},
      {"paddings has a negative value",
       [](OpHarness* h) {
         h->Set("paddings", std::vector<int32_t>{-1, 1});
       }},
      {"padding_algorithm WIDE", [](OpHarness* h) { h->Set("padding_algorithm", "WIDE"); }},
      {"data_format NHWC", [](OpHarness* h) { h->Set("data_format", "NHWC"); }},
      {"fused activation cosh", [](OpHarness* h) { h->Set("fuse_activation", "cosh"); }},
      {"groups 3", [](OpHarness* h) { h->Set("groups", 3); }},
      {"does not have one element per channel",
       [](OpHarness* h) { h->Constant("Bias", Noise({3}, 1)); }},
  };
  for (const Case& c : cases) {
    OpHarness h = SmallConv();
    c.spoil(&h);
    EXPECT_THAT(h.Lower().ToString(), HasSubstr(c.message));
  }
}

TEST(Conv2dRefusalTest, AComputedFilterIsUnsupported) {
  OpHarness h("conv2d");
  h.Input("Input", Noise({1, 2, 5, 5}, 1));
  h.Input("Filter", Noise({4, 2, 3, 3}, 2));
  h.Output("Output");
  const Status status = h.Lower();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(status.ToString(), HasSubstr("filter Filter is computed"));
}

TEST(Conv2dRefusalTest, ImpossibleExtentsAreAnErrorOfTheRun) {
  for (const Dims& in : {Dims{1, 2, 2, 5}, Dims{1, 3, 5, 5}, Dims{2, 5, 5}}) {
    OpHarness h("conv2d");
    h.Input("Input", Noise(in, 1));
    h.Constant("Filter", Noise({4, 2, 3, 3}, 2));
    h.Output("Output");
    const auto result = h.LowerAndRun();
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument) << in.ToString();
    EXPECT_THAT(result.status().ToString(), HasSubstr(in.ToString()));
  }
}

TEST(Conv2dTest, AnEmptyBatchGivesAnEmptyResult) {
  OpHarness h("conv2d");
  h.Input("Input", Array(DType::kFloat32, {0, 2, 5, 5}));
  h.Constant("Filter", Noise({4, 2, 3, 3}, 2));
  h.Output("Output");
  auto result = h.LowerAndRun();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->dims(), (Dims{0, 4, 3, 3}));
}

}  // namespace
}  // namespace skiff::ops
