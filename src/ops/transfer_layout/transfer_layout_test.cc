#include <gtest/gtest.h>

#include "ops/testing/op_harness.h"

namespace skiff::ops {
namespace {

using graph::Layout;
using testing::Array;
using testing::OpHarness;

TEST(TransferLayoutTest, KeepsElements) {
  Array x(DType::kFloat32, {2, 3, 4, 5});
  for (size_t i = 0; i < x.count(); ++i) x.As<float>()[i] = static_cast<float>(i);
  for (const Layout from : {Layout::kPlain, Layout::kNhwc}) {
    OpHarness op("transfer_layout");
    op.Input("X", x)->layout = from;
    op.Output("Out")->layout = from == Layout::kPlain ? Layout::kNhwc : Layout::kPlain;
    const Result<Array> y = op.LowerAndRun();
    ASSERT_TRUE(y.ok()) << y.status().ToString();
    EXPECT_EQ(0, std::memcmp(y->data(), x.data(), x.bytes()));
  }
}

TEST(TransferLayoutTest, RefusesWhatMakesNoSense) {
  OpHarness same("transfer_layout");
  same.Input("X", Array(DType::kFloat32, {1, 2, 3, 4}));
  same.Output("Out");
  EXPECT_FALSE(same.Lower().ok());
  OpHarness types("transfer_layout");
  types.Input("X", Array(DType::kFloat32, {1, 2, 3, 4}));
  types.Output("Out", DType::kInt8);
  EXPECT_FALSE(types.Lower().ok());
}

}  // namespace
}  // namespace skiff::ops
