// Every depthwise kernel of every rung that this CPU has, against the plain loops: equal bytes.
#include "kernels/depthwise/depthwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/testing/random.h"

namespace skiff::kernels {
namespace {

using testing::Buffer;
using testing::Random;
using testing::RandomEpilogue;

ConvShape Shape(int64_t channels, int64_t k, int64_t stride, int64_t dilation, int64_t pad,
                int64_t h = 6, int64_t w = 9) {
  ConvShape s;
  s.images = 2;
  s.in_h = h;
  s.in_w = w;
  s.in_channels = s.out_channels = s.groups = channels;
  s.kernel_h = s.kernel_w = k;
  s.stride_h = s.stride_w = stride;
  s.dilation_h = s.dilation_w = dilation;
  s.pad_top = s.pad_left = pad;
  const int64_t reach = dilation * (k - 1) + 1;
  s.out_h = (h + 2 * pad - reach) / stride + 1;
  s.out_w = (w + 2 * pad - reach) / stride + 1;
  return s;
}

std::vector<ConvShape> Shapes() {
  std::vector<ConvShape> shapes;
  for (const int64_t c : {1, 7, 8, 15, 16, 17, 31, 32, 33, 48, 70, 80, 96}) {
    shapes.push_back(Shape(c, 3, 1, 1, 1));
  }
  shapes.push_back(Shape(24, 3, 2, 1, 1));
  shapes.push_back(Shape(24, 5, 1, 1, 2));
  shapes.push_back(Shape(40, 5, 2, 1, 2));
  shapes.push_back(Shape(9, 1, 1, 1, 0));
  shapes.push_back(Shape(9, 2, 1, 1, 1));
  shapes.push_back(Shape(9, 4, 3, 1, 2));
  shapes.push_back(Shape(33, 3, 1, 2, 2));
  shapes.push_back(Shape(16, 3, 1, 1, 0));
  // Rows of every length up to two tiles of every kernel: tails overlap, edges meet.
  for (int64_t w = 1; w <= 13; ++w) {
    for (const int64_t stride : {1, 2}) {
      shapes.push_back(Shape(16, 3, stride, 1, 1, 3, w));
      shapes.push_back(Shape(48, 5, stride, 1, 2, 3, w));
    }
  }
  shapes.push_back(Shape(16, 7, 1, 1, 3, 3, 2));  // wider than the picture
  shapes.push_back(Shape(16, 3, 1, 1, 1, 1, 1));
  shapes.push_back(Shape(16, 3, 2, 3, 4, 7, 5));
  return shapes;
}

class DepthwiseTest : public ::testing::TestWithParam<DepthwiseKernel> {
 protected:
  void SetUp() override {
    const std::vector<Isa>& isas = SupportedIsas();
    if (std::find(isas.begin(), isas.end(), GetParam().isa) == isas.end()) {
      GTEST_SKIP() << "this CPU lacks " << Name(GetParam().isa);
    }
  }

  static void Check(const ConvShape& s, StoreType store, ResidualType residual, bool extremes,
                    bool half_away = false,
                    EpilogueActivation activation = EpilogueActivation::kClamp) {
    const DepthwiseKernel& kernel = GetParam();
    Random random(static_cast<uint32_t>(s.in_channels));
    const int low = kernel.input == DepthwiseInput::kS8 ? -128 : 0;
    const int high = kernel.input == DepthwiseInput::kU8 ? 255 : 127;
    const int64_t taps = s.kernel_h * s.kernel_w;
    Buffer<uint8_t> src(s.images * s.in_h * s.in_w * s.in_channels);
    random.Codes(&src, extremes && low == 0 ? high : low, extremes && low < 0 ? low : high);
    std::vector<int8_t> filter(static_cast<size_t>(s.in_channels * taps));
    random.Codes(&filter, -128, extremes ? -127 : 127);
    const int64_t count = s.images * s.out_h * s.out_w * s.in_channels;
    Buffer<uint8_t> added(count * ElementBytes(residual));
    random.Codes(&added, 0, 60);
    const void* r = residual == ResidualType::kNone ? nullptr : added.data();
    const RandomEpilogue e(&random, s.in_channels, taps, activation, store, residual, half_away);
    Buffer<uint8_t> want(count * ElementBytes(store));
    ConvRef(s, low == 0, src.data(), filter.data(), e.epilogue, r, want.data());

    const PackedDepthwise packed =
        PackDepthwise(kernel, s.in_channels, s.kernel_h, s.kernel_w, filter.data(), e.epilogue);
    Buffer<uint8_t> zeros(s.in_w * s.in_channels);
    Buffer<uint8_t> got(want.size());
    DepthwiseRun run;
    run.kernel = &kernel;
    run.geometry = {s.in_h,       s.in_w,     s.in_channels, s.out_h,    s.out_w,
                    s.kernel_h,   s.kernel_w, s.stride_h,    s.stride_w, s.dilation_h,
                    s.dilation_w, s.pad_top,  s.pad_left};
    run.channels = s.in_channels;
    run.input = src.data();
    run.zeros = zeros.data();
    run.packed = &packed;
    run.epilogue = &e.epilogue;
    run.dst = got.data();
    run.dst_stride = s.in_channels * ElementBytes(store);
    run.residual = r;
    run.residual_stride = s.in_channels * ElementBytes(residual);
    for (int64_t row = 0; row < s.images * s.out_h; ++row) RunDepthwiseRow(run, row);
    ASSERT_TRUE(got == want) << s.in_channels << " channels, kernel " << s.kernel_h << " stride "
                             << s.stride_h << " dilation " << s.dilation_h;
  }
};

TEST_P(DepthwiseTest, EqualsReferenceOverShapes) {
  for (const ConvShape& shape : Shapes()) {
    for (const bool half_away : {false, true}) {
      Check(shape, StoreType::kU8, ResidualType::kNone, false, half_away);
      Check(shape, StoreType::kS8, ResidualType::kNone, false, half_away,
            EpilogueActivation::kHardSwish);
    }
    Check(shape, StoreType::kF32, ResidualType::kS8, false);
    Check(shape, StoreType::kS8, ResidualType::kU8, false);
  }
}

TEST_P(DepthwiseTest, ExtremeCodesDoNotSaturate) {
  Check(Shape(40, 3, 1, 1, 1), StoreType::kF32, ResidualType::kNone, true);
  Check(Shape(40, 5, 1, 1, 1), StoreType::kF32, ResidualType::kNone, true);
}

INSTANTIATE_TEST_SUITE_P(All, DepthwiseTest,
                         ::testing::ValuesIn(DepthwiseKernels().begin(), DepthwiseKernels().end()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace skiff::kernels
