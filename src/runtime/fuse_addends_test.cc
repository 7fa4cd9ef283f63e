// Where convolutions whose floats another one adds share its step, a model computes the bytes that
// it computes without.
#include <gtest/gtest.h>

#include "runtime/testing/two_stages.h"

namespace skiff::runtime {
namespace {

using testing::TwoStages;

TEST(FusedAddends, ComputeTheSame) {
  for (const Precision precision : {Precision::kFp32, Precision::kInt8}) {
    const TwoStages net(9);
    plan::CompileOptions options = net.Options(precision, true);
    const auto fused = net.Run(options);
    options.fuse_addends = false;
    const auto apart = net.Run(options);
    ASSERT_TRUE(fused.ok() && apart.ok());
    const size_t gone = precision == Precision::kInt8 ? 1 : 0;
    EXPECT_EQ(fused->kernels.size() + gone, apart->kernels.size());
    EXPECT_EQ(fused->multiply_adds, apart->multiply_adds);
    EXPECT_EQ(fused->output, apart->output);
  }
}

}  // namespace
}  // namespace skiff::runtime
