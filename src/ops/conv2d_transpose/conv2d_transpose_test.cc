#include "ops/conv2d_transpose/conv2d_transpose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST_P(Conv2dTransposeCaseTest, StepIsTheReference) {
  const CaseLine& c = GetParam();
  OpHarness h(c.name);
  for (const char* name : {"strides", "paddings", "dilations", "output_padding", "output_size"}) {
    if (c.Has(name)) h.Set(name, c.Ints(name));
  }
  if (c.Has("padding_algorithm")) {
    h.Set("padding_algorithm", c.Text("padding_algorithm").c_str());
  }
  h.Set("groups", c.Int("groups", 1));
  h.Set("fuse_activation", c.Text("act").c_str());
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
