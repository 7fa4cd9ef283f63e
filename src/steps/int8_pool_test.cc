// Against the definition (docs/formats.md), in double and position by position.
#include "steps/int8_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "steps/testing/step_runner.h"

namespace skiff::steps {
namespace {

using testing::Array;
using testing::StepRunner;

constexpr int64_t kN = 2, kC = 19, kH = 8, kW = 7;

// One output value: maximum, sum and both counts of a window.
struct Window {
  double max = -1e30, sum = 0;
  int64_t inside = 0, counted = 0;
};

struct Range {
  int64_t begin, end;  // may leave the input
};

Range RangeOf(const PoolSpec& s, int64_t i, int64_t in, int64_t out, int64_t kernel, int64_t stride,
              int64_t before) {
  if (s.global_pooling) return {0, in};
  if (s.adaptive) {
    return {static_cast<int64_t>(std::floor(static_cast<double>(i * in) / out)),
            static_cast<int64_t>(std::ceil(static_cast<double>((i + 1) * in) / out))};
  }
  return {i * stride - before, i * stride - before + kernel};
}

template <typename T>
Window Look(const Array& x, int64_t n, int64_t c, Range rows, Range columns, int64_t top,
            int64_t left) {
  Window w;
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    for (int64_t z = columns.begin; z < columns.end; ++z) {
      if (y < kH + top && z < kW + left) ++w.counted;
      if (y < 0 || z < 0 || y >= kH || z >= kW) continue;
      const double v = x.As<T>()[static_cast<size_t>(((n * kH + y) * kW + z) * kC + c)];
      w.max = std::max(w.max, v);
      w.sum += v;
      ++w.inside;
    }
  }
  return w;
}

template <typename In, typename Out, typename Value>
void Check(const PoolSpec& spec, DType in_type, DType out_type, int64_t top, int64_t left,
           const Value& value) {
  std::mt19937 engine(3);
  Array x(in_type, {kN, kC, kH, kW});
  for (In& v : x.As<In>()) v = static_cast<In>(engine() % 250) - (std::is_signed_v<In> ? 120 : 0);
  for (const Isa isa : SupportedIsas()) {
    const auto step = MakePool(spec, isa);
    ASSERT_TRUE(step.ok()) << step.status().ToString();
    for (const int threads : {1, 2}) {
      StepRunner runner(**step, threads);
      const auto out = runner.Run({x}, {out_type});
      ASSERT_TRUE(out.ok()) << out.status().ToString();
      const Dims& d = (*out)[0].dims();
      for (int64_t i = 0; i < d.Numel(); ++i) {
        const int64_t c = i % kC;
        const int64_t ox = i / kC % d[3];
        const int64_t oy = i / (kC * d[3]) % d[2];
        const int64_t n = i / (kC * d[3] * d[2]);
        const Range rows = RangeOf(spec, oy, kH, d[2], spec.kernel_h, spec.stride_h, top);
        const Range columns = RangeOf(spec, ox, kW, d[3], spec.kernel_w, spec.stride_w, left);
        const Window w = Look<In>(x, n, c, rows, columns, top, left);
        if (w.inside == 0) continue;
        ASSERT_EQ((*out)[0].As<Out>()[static_cast<size_t>(i)], static_cast<Out>(value(w)))
            << Name(isa) << " at " << oy << "," << ox << "," << c;
      }
    }
  }
}

std::vector<std::pair<PoolSpec, std::pair<int64_t, int64_t>>> Specs() {
  PoolSpec base;
  base.kernel_h = 3;
  base.kernel_w = 2;
  base.stride_h = base.stride_w = 2;
  PoolSpec padded = base;
  padded.pads = {1, 0, 1, 1};
  PoolSpec ceil = padded;
  ceil.ceil_mode = true;
  PoolSpec same = base;
  same.padding = PaddingRule::kSame;  // 8 / 2 = 4 windows: one row of padding, after
  PoolSpec global;
  global.global_pooling = true;
  PoolSpec adaptive;
  adaptive.adaptive = true;
  adaptive.kernel_h = 3;
  adaptive.kernel_w = 5;
  return {{base, {0, 0}}, {padded, {1, 1}}, {ceil, {1, 1}},
          {same, {0, 0}}, {global, {0, 0}}, {adaptive, {0, 0}}};
}

TEST(PoolTest, MaxOfEveryType) {
  for (auto [spec, before] : Specs()) {
    spec.kind = PoolSpec::Kind::kMax;
    const auto [top, left] = before;
    const auto max = [](const Window& w) { return w.max; };
    spec.input_is_float = true;
    Check<float, float>(spec, DType::kFloat32, DType::kFloat32, top, left, max);
    spec.input_is_float = false;
    spec.input = {.step = 0.1, .is_unsigned = true, .max_code = 255};
    Check<uint8_t, uint8_t>(spec, DType::kUInt8, DType::kUInt8, top, left, max);
    spec.input = {.step = 0.1};
    Check<int8_t, int8_t>(spec, DType::kInt8, DType::kInt8, top, left, max);
  }
}

TEST(PoolTest, Averages) {
  for (auto [spec, before] : Specs()) {
    for (const bool exclusive : {true, false}) {
      const auto [top, left] = before;
      spec.kind = PoolSpec::Kind::kAverage;
      spec.exclusive = exclusive;
      const auto count = [exclusive](const Window& w) {
        return static_cast<double>(exclusive ? w.inside : w.counted);
      };
      spec.input_is_float = true;
      // The values are small integers: the sum is exact in any order.
      Check<float, float>(spec, DType::kFloat32, DType::kFloat32, top, left, [&](const Window& w) {
        return static_cast<float>(w.sum) / static_cast<float>(count(w));
      });
      spec.input_is_float = false;
      spec.input = {.step = 0.1, .is_unsigned = true, .max_code = 255};
      Check<uint8_t, float>(spec, DType::kUInt8, DType::kFloat32, top, left, [&](const Window& w) {
        return static_cast<float>(w.sum) * static_cast<float>(0.1 / count(w));
      });
      spec.input = {.step = 0.1};
      spec.output_is_float = false;
      spec.output = {.step = 0.07};
      Check<int8_t, int8_t>(spec, DType::kInt8, DType::kInt8, top, left, [&](const Window& w) {
        const float y = static_cast<float>(w.sum) * static_cast<float>(0.1 / (count(w) * 0.07));
        return std::nearbyint(std::clamp(y, -128.0F, 127.0F));
      });
      spec.output_is_float = true;
    }
  }
}

TEST(PoolTest, CeilModeAddsAWindow) {
  PoolSpec spec;
  spec.kernel_h = spec.kernel_w = 2;
  spec.stride_h = spec.stride_w = 2;
  spec.ceil_mode = true;
  const auto step = MakePool(spec, Isa::kScalar);
  ASSERT_TRUE(step.ok());
  StepRunner runner(**step);
  const auto out = runner.Run({Array(DType::kFloat32, {1, 1, 5, 4})});
  ASSERT_TRUE(out.ok());
  EXPECT_EQ((*out)[0].dims().ToString(), "[1, 1, 3, 2]");
}

TEST(PoolTest, SaysWhatIsWrong) {
  PoolSpec spec;
  spec.kernel_h = spec.kernel_w = 9;
  const auto step = MakePool(spec, Isa::kScalar);
  ASSERT_TRUE(step.ok());
  StepRunner runner(**step);
  const auto out = runner.Run({Array(DType::kFloat32, {1, 1, 5, 4})});
  ASSERT_FALSE(out.ok());
  EXPECT_NE(out.status().message().find("9 x 9"), std::string::npos);
  EXPECT_FALSE(runner.Run({Array(DType::kFloat32, {5, 4})}).ok());
  spec.stride_h = 0;
  EXPECT_FALSE(MakePool(spec, Isa::kScalar).ok());
}

}  // namespace
}  // namespace skiff::steps
