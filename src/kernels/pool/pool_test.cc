// Every pooling kernel of every rung that this CPU has, against the scalar ones: equal bytes.
#include "kernels/pool/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <string>

#include "kernels/testing/random.h"

namespace skiff::kernels {
namespace {

using testing::Buffer;
using testing::Random;

class PoolKernelTest : public ::testing::TestWithParam<PoolKernel> {
 protected:
  void SetUp() override {
    const std::vector<Isa>& isas = SupportedIsas();
    if (std::find(isas.begin(), isas.end(), GetParam().isa) == isas.end()) {
      GTEST_SKIP() << "this CPU lacks " << Name(GetParam().isa);
    }
  }

  static bool IsFloat(PoolKind kind) {
    return kind == PoolKind::kMaxF32 || kind == PoolKind::kAverageF32;
  }

  static void Compare(PoolWindow window, int64_t dst_bytes) {
    Buffer<uint8_t> want(dst_bytes);
    Buffer<uint8_t> got(dst_bytes);
    window.dst = want.data();
    FindPoolKernel(GetParam().kind, Isa::kScalar)->run(window);
    window.dst = got.data();
    GetParam().run(window);
    ASSERT_TRUE(got == want) << window.rows << "x" << window.columns << "x" << window.channels;
  }
};

TEST_P(PoolKernelTest, EqualsScalar) {
  Random random(1);
  const bool is_float = IsFloat(GetParam().kind);
  const int64_t element = is_float ? 4 : 1;
  for (const int64_t channels : {1, 3, 7, 8, 9, 16, 17, 31, 32, 33, 50, 64}) {
    for (const auto& [rows, columns] : {std::pair{1, 1}, {3, 3}, {2, 5}, {0, 0}}) {
      Buffer<uint8_t> codes(is_float ? 0 : 6 * 6 * channels);
      random.Codes(&codes, 0, 255);
      Buffer<float> floats(is_float ? 6 * 6 * channels : 0);
      for (int64_t i = 0; i < floats.size(); ++i) {
        floats[i] = random.Int(0, 20) == 0 ? NAN : random.Float(-5, 5);
      }
      PoolWindow w;
      w.src = is_float ? static_cast<const void*>(floats.data()) : codes.data();
      w.pixel_stride = channels * element;
      w.row_stride = 6 * w.pixel_stride;
      w.rows = rows;
      w.columns = columns;
      w.channels = channels;
      w.divisor = 7.0F;
      w.multiplier = 0.031F;
      for (const bool is_unsigned : {false, true}) {
        for (const StoreType store : {StoreType::kF32, StoreType::kU8, StoreType::kS8}) {
          w.src_is_unsigned = is_unsigned;
          w.store = store;
          w.lo = store == StoreType::kS8 ? -127.0F : 0.0F;
          w.half_away = is_unsigned;
          const bool wide =
              is_float || (GetParam().kind == PoolKind::kAverageCodes && store == StoreType::kF32);
          Compare(w, channels * (wide ? 4 : 1));
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PoolKernelTest,
                         ::testing::ValuesIn(PoolKernels().begin(), PoolKernels().end()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(PoolSpecificationTest, Values) {
  const uint8_t codes[] = {1, 200, 7, 3, 50, 9};
  PoolWindow w;
  w.src = codes;
  w.pixel_stride = 2;
  w.row_stride = 6;
  w.rows = 1;
  w.columns = 3;
  w.channels = 2;
  uint8_t max[2];
  w.dst = max;
  FindPoolKernel(PoolKind::kMaxU8, Isa::kScalar)->run(w);
  EXPECT_EQ(max[0], 50);
  EXPECT_EQ(max[1], 200);
  float average[2];
  w.dst = average;
  w.multiplier = 0.5F;
  FindPoolKernel(PoolKind::kAverageCodes, Isa::kScalar)->run(w);
  EXPECT_EQ(average[0], 29.0F);
  EXPECT_EQ(average[1], 106.0F);
  w.rows = 0;
  float empty[2];
  w.dst = empty;
  FindPoolKernel(PoolKind::kMaxF32, Isa::kScalar)->run(w);
  EXPECT_EQ(empty[0], -FLT_MAX);
}

}  // namespace
}  // namespace skiff::kernels
