// Every conversion kernel of every rung that this CPU has, against the scalar ones: equal bytes.
#include "kernels/convert/convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/testing/random.h"

namespace skiff::kernels {
namespace {

using testing::Buffer;
using testing::Random;

bool Supported(Isa isa) {
  const std::vector<Isa>& isas = SupportedIsas();
  return std::find(isas.begin(), isas.end(), isa) != isas.end();
}

constexpr int64_t kSizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100};

TEST(QuantizeTest, FollowsTheFormula) {
  const QuantizeParams even = {.multiplier = 2.0F, .lo = -127, .hi = 127, .half_away = false};
  const QuantizeParams away = {.multiplier = 2.0F, .lo = -127, .hi = 127, .half_away = true};
  const float src[] = {0.25F, 0.75F,  -0.25F, 1.25F,
                       1e30F, -1e30F, NAN,    std::numeric_limits<float>::infinity()};
  const int8_t want_even[] = {0, 2, 0, 2, 127, -127, -127, 127};
  const int8_t want_away[] = {1, 2, -1, 3, 127, -127, -127, 127};
  for (const auto& kernel : QuantizeKernels()) {
    if (!Supported(kernel.isa)) continue;
    int8_t dst[8];
    kernel.run(even, src, 8, dst);
    EXPECT_TRUE(std::equal(dst, dst + 8, want_even)) << kernel.name;
    kernel.run(away, src, 8, dst);
    EXPECT_TRUE(std::equal(dst, dst + 8, want_away)) << kernel.name;
  }
}

TEST(QuantizeTest, EqualsScalar) {
  Random random(1);
  for (const auto& kernel : QuantizeKernels()) {
    if (!Supported(kernel.isa)) continue;
    for (const int64_t n : kSizes) {
      Buffer<float> src(n);
      for (int64_t i = 0; i < n; ++i) {
        // Halves and neighbours of halves often.
        src[i] = static_cast<float>(random.Int(-300, 300)) * 0.5F;
        if (random.Int(0, 3) == 0) src[i] = std::nextafter(src[i], 0.0F);
      }
      for (const QuantizeParams& q :
           {QuantizeParams{1.0F, 0, 127, false}, QuantizeParams{1.0F, 0, 255, true},
            QuantizeParams{1.0F, -127, 127, false}, QuantizeParams{0.37F, -127, 127, true}}) {
        Buffer<uint8_t> want(n);
        Buffer<uint8_t> got(n);
        quantize_f32_scalar(q, src.data(), n, want.data());
        kernel.run(q, src.data(), n, got.data());
        ASSERT_TRUE(got == want) << kernel.name << " " << n;
      }
    }
  }
}

TEST(DequantizeTest, EqualsScalar) {
  Random random(2);
  for (const auto& kernel : DequantizeKernels()) {
    if (!Supported(kernel.isa)) continue;
    for (const int64_t n : kSizes) {
      Buffer<uint8_t> src(n);
      random.Codes(&src, 0, 255);
      for (const bool is_unsigned : {false, true}) {
        Buffer<float> want(n);
        Buffer<float> got(n);
        dequantize_f32_scalar(0.0123F, is_unsigned, src.data(), n, want.data());
        kernel.run(0.0123F, is_unsigned, src.data(), n, got.data());
        ASSERT_TRUE(got == want) << kernel.name << " " << n;
      }
    }
  }
}

TEST(WidenTest, KeepsTheValue) {
  Random random(3);
  for (const auto& kernel : WidenKernels()) {
    if (!Supported(kernel.isa)) continue;
    for (const int64_t n : kSizes) {
      Buffer<uint8_t> src(n);
      random.Codes(&src, 0, 255);
      Buffer<int16_t> got(n);
      kernel.run(true, src.data(), n, got.data());
      for (int64_t i = 0; i < n; ++i) ASSERT_EQ(got[i], src[i]) << kernel.name;
      kernel.run(false, src.data(), n, got.data());
      for (int64_t i = 0; i < n; ++i) ASSERT_EQ(got[i], static_cast<int8_t>(src[i]));
    }
  }
}

TEST(TransposeTest, MovesEveryElement) {
  Random random(4);
  for (const auto& kernel : TransposeKernels()) {
    if (!Supported(kernel.isa)) continue;
    const int64_t size = kernel.element_bytes;
    for (const int64_t rows : {1, 2, 3, 4, 7, 8, 16, 17, 35}) {
      for (const int64_t columns : {1, 3, 4, 8, 15, 16, 33, 50}) {
        for (const int64_t extra : {0, 5}) {
          const int64_t src_stride = columns + extra;
          const int64_t dst_stride = rows + extra;
          Buffer<uint8_t> src(rows * src_stride * size);
          random.Codes(&src, 0, 255);
          Buffer<uint8_t> want(columns * dst_stride * size);
          std::memset(want.data(), 0, static_cast<size_t>(want.size()));
          Buffer<uint8_t> got(want.size());
          std::memset(got.data(), 0, static_cast<size_t>(got.size()));
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t c = 0; c < columns; ++c) {
              std::memcpy(want.data() + (c * dst_stride + r) * size,
                          src.data() + (r * src_stride + c) * size, static_cast<size_t>(size));
            }
          }
          kernel.run(src.data(), src_stride, rows, columns, got.data(), dst_stride);
          ASSERT_TRUE(got == want) << kernel.name << " " << rows << "x" << columns;
        }
      }
    }
  }
}

TEST(QuantizeTransposeTest, EqualsBothInTurnAndBack) {
  Random random(5);
  for (const Isa isa : SupportedIsas()) {
    for (const int64_t channels : {1, 3, 4, 20, 64, 70}) {
      const int64_t plane = 7 * 23;
      Buffer<float> src(channels * plane);
      for (int64_t i = 0; i < src.size(); ++i) src[i] = random.Float(-40, 40);
      const QuantizeParams q = {3.0F, -127, 127, false};
      Buffer<int8_t> nhwc(channels * plane);
      const QuantizeTranspose to = {FindQuantize(isa)->run, FindTranspose(1, isa)->run};
      QuantizeToNhwc(to, q, src.data(), channels, plane, 0, 50, nhwc.data());
      QuantizeToNhwc(to, q, src.data(), channels, plane, 50, plane, nhwc.data() + 50 * channels);
      Buffer<int8_t> codes(channels * plane);
      quantize_f32_scalar(q, src.data(), codes.size(), codes.data());
      Buffer<float> back(channels * plane);
      const DequantizeTranspose from = {FindDequantize(isa)->run, FindTranspose(1, isa)->run};
      DequantizeToNchw(from, 0.5F, false, nhwc.data(), channels, plane, 0, 60, back.data());
      DequantizeToNchw(from, 0.5F, false, nhwc.data(), channels, plane, 60, plane, back.data());
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t p = 0; p < plane; ++p) {
          ASSERT_EQ(nhwc[p * channels + c], codes[c * plane + p]);
          ASSERT_EQ(back[c * plane + p], 0.5F * codes[c * plane + p]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace skiff::kernels
