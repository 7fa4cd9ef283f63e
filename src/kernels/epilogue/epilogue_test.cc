#include "kernels/epilogue/epilogue.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace skiff::kernels {
namespace {

struct Sample {
  std::vector<float> m = {0.01F, -0.25F};
  std::vector<float> b = {3.0F, -0x1p28F};
  int64_t max_sum = INT32_MAX;
  Epilogue epilogue;

  Sample() {
    epilogue.mr = 0.5F;
    epilogue.residual = ResidualType::kU8;
    epilogue.store = StoreType::kS8;
    epilogue.lo = -127.0F;
    epilogue.hi = 100.5F;
  }
  bool Clamps() {
    epilogue.m = m.data();
    epilogue.b = b.data();
    ClampCodes(&epilogue, static_cast<int64_t>(m.size()), max_sum);
    return epilogue.clamps_codes;
  }
};

TEST(ClampCodesTest, RoundsTheBoundsAsTheEpilogueDoes) {
  Sample even;
  ASSERT_TRUE(even.Clamps());
  EXPECT_EQ(even.epilogue.lo_code, -127);
  EXPECT_EQ(even.epilogue.hi_code, 100);
  Sample away;
  away.epilogue.half_away = true;
  ASSERT_TRUE(away.Clamps());
  EXPECT_EQ(away.epilogue.hi_code, 101);
  Sample full;
  full.epilogue.store = StoreType::kU8;
  full.epilogue.lo = 0;
  full.epilogue.hi = 255;
  ASSERT_TRUE(full.Clamps());
  EXPECT_EQ(full.epilogue.hi_code, 255);
}

TEST(ClampCodesTest, IsRefusedWhereAValueMightLeaveS32) {
  const auto refused = [](auto change) {
    Sample sample;
    change(sample);
    return !sample.Clamps();
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(refused([](Sample& s) { s.m[1] = 0.26F; }));
  EXPECT_FALSE(refused([](Sample& s) {
    s.m[1] = 2048.0F;  // of few products, as those of a depthwise window
    s.max_sum = 1 << 18;
  }));
  EXPECT_TRUE(refused([](Sample& s) {
    s.m[1] = 2049.0F;
    s.max_sum = 1 << 18;
  }));
  EXPECT_TRUE(refused([](Sample& s) { s.b[0] = 0x1p29F; }));
  EXPECT_TRUE(refused([&](Sample& s) { s.m[0] = nan; }));
  EXPECT_TRUE(refused([&](Sample& s) { s.b[1] = nan; }));
  EXPECT_TRUE(refused([](Sample& s) { s.epilogue.mr = 0x1p21F; }));
  EXPECT_FALSE(refused([](Sample& s) {
    s.epilogue.mr = 0x1p21F;
    s.epilogue.residual = ResidualType::kNone;
  }));
  EXPECT_TRUE(refused([](Sample& s) { s.epilogue.residual = ResidualType::kF32; }));
  EXPECT_TRUE(refused([](Sample& s) { s.epilogue.store = StoreType::kF32; }));
  EXPECT_TRUE(refused([](Sample& s) { s.epilogue.activation = EpilogueActivation::kHardSwish; }));
  EXPECT_TRUE(refused([](Sample& s) { s.epilogue.store = StoreType::kU8; })) << "-127";
  EXPECT_TRUE(refused([](Sample& s) { s.epilogue.hi = 128.0F; }));
}

}  // namespace
}  // namespace skiff::kernels
