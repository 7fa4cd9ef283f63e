#include "ops/batch_norm/batch_norm.h"

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

class BatchNormCaseTest : public ::testing::TestWithParam<CaseLine> {};

TEST_P(BatchNormCaseTest, StepIsTheReferenceInBothLayouts) {
  const CaseLine& c = GetParam();
  const Array x = Noise(c.Extents("in"), 1);
  const bool last = c.Text("data_layout") == "NHWC";
  const int axis = last ? x.dims().rank() - 1 : 1;
  const Dims channels{x.dims()[axis]};
  const Array scale = Noise(channels, 2), bias = Noise(channels, 3), mean = Noise(channels, 4);
  const Array variance = Noise(channels, 5, 0.1F);
  const bool affine = !c.Has("no_affine");
  OpHarness h("batch_norm");
  h.Set("epsilon", c.Float("epsilon", 1e-5F));
  if (last) h.Set("data_layout", "NHWC");
  graph::Value* input = h.Input("X", x);
  if (affine) {
    h.Constant("Scale", scale);
    h.Constant("Bias", bias);
  }
  h.Constant("Mean", mean);
  h.Constant("Variance", variance);
  graph::Value* output = h.Output("Y");

  Array want(DType::kFloat32, x.dims());
  const std::span<const float> none;
  BatchNormRef(*ParseBatchNorm(h.node()), affine ? scale.As<const float>() : none,
               affine ? bias.As<const float>() : none, mean.As<const float>(),
               variance.As<const float>(), x.dims().Product(axis + 1, x.dims().rank()),
               x.dims().Numel(), x.As<float>().data(), want.As<float>().data());
  for (const bool nhwc : {false, true}) {
    if (nhwc && (x.dims().rank() != 4 || last)) continue;
    input->layout = output->layout = nhwc ? graph::Layout::kNhwc : graph::Layout::kPlain;
    auto got = h.LowerAndRun(2);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    ASSERT_EQ(got->dims(), x.dims());
    for (size_t i = 0; i < want.count(); ++i) {
      ASSERT_NEAR(got->As<float>()[i], want.As<float>()[i], 1e-5) << "at " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, BatchNormCaseTest,
                         ::testing::ValuesIn(testing::ReadCases(SKIFF_SOURCE_DIR
                                                                "/src/ops/batch_norm/cases.txt")));

TEST(BatchNormRefusalTest, SaysWhatIsWrong) {
  OpHarness lengths("batch_norm");
  lengths.Input("X", Noise({1, 4, 2, 2}, 1));
  lengths.Constant("Mean", Noise({4}, 2));
  lengths.Constant("Variance", Noise({3}, 3, 0.1F));
  lengths.Output("Y");
  EXPECT_THAT(lengths.Lower().ToString(), HasSubstr("Variance has 3 elements, Mean 4"));

  OpHarness channels("batch_norm");
  channels.Input("X", Noise({1, 5, 2, 2}, 1));
  channels.Constant("Mean", Noise({4}, 2));
  channels.Constant("Variance", Noise({4}, 3, 0.1F));
  channels.Output("Y");
  EXPECT_THAT(channels.LowerAndRun().status().ToString(), HasSubstr("does not have 4 channels"));
}

}  // namespace
}  // namespace skiff::ops
