// Codes are the floats, rounded onto the grid.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/isa.h"
#include "ops/testing/op_harness.h"

namespace skiff::ops {
namespace {

using testing::Array;
using testing::Noise;
using testing::OpHarness;

OpHarness Softmax(const Array& x, int axis) {
  OpHarness h("softmax");
  h.Set("axis", axis);
  h.Input("X", x);
  return h;
}

void Check(const Dims& dims, int axis) {
  const Array x = Noise(dims, 1, -6, 6);
  OpHarness in_floats = Softmax(x, axis);
  in_floats.Output("Out");
  const auto want = in_floats.LowerAndRun();
  ASSERT_TRUE(want.ok()) << want.status().ToString();
  graph::Grid grid;
  grid.step = {1.0 / 127};
  grid.is_unsigned = true;
  OpHarness in_codes = Softmax(x, axis);
  in_codes.Output("Out", DType::kUInt8, grid);
  for (const Isa isa : SupportedIsas()) {
    const Status status = in_codes.Lower(isa);
    ASSERT_TRUE(status.ok()) << status.ToString();
    for (const int threads : {1, 2}) {
      const auto got = in_codes.Run(threads);
      ASSERT_TRUE(got.ok()) << got.status().ToString();
      ASSERT_EQ((*got)[0].dims(), dims);
      for (size_t i = 0; i < want->count(); ++i) {
        const float code = std::nearbyint(std::min(want->As<float>()[i] * 127.0F, 127.0F));
        ASSERT_EQ((*got)[0].As<uint8_t>()[i], static_cast<uint8_t>(code))
            << Name(isa) << " at " << i;
      }
    }
  }
}

TEST(SoftmaxOfCodesTest, AreTheFloatsRounded) {
  Check({2, 3, 40, 49}, -1);
  Check({5, 1024}, 1);
  Check({3, 1025}, -1);  // rows that are too long to be rounded in L1
  Check({2, 7, 33}, 1);  // columns
  Check({4, 1}, -1);
}

}  // namespace
}  // namespace skiff::ops
