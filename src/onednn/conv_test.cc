#include "onednn/conv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/isa.h"
#include "onednn/test_arrays.h"

namespace skiff::onednn {
namespace {

struct Case {
  const char* name;
  ConvSpec spec;
  ConvExtents extents;
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

float Activate(const Epilogue& e, float x) {
  const auto clamp = [](float v, float lo, float hi) { return std::fmin(std::fmax(v, lo), hi); };
  switch (e.activation) {
    case Activation::kNone: return x;
    case Activation::kRelu: return std::fmax(x, 0.0f);
    case Activation::kLeakyRelu: return x < 0 ? e.alpha * x : x;
    case Activation::kHardSwish: return x * clamp(x / 6 + 0.5f, 0, 1);
    case Activation::kHardSigmoid: return clamp(e.alpha * x + e.beta, 0, 1);
    case Activation::kSigmoid: return 1 / (1 + std::exp(-x));
    case Activation::kSwish: return x / (1 + std::exp(-e.alpha * x));
    case Activation::kTanh: return std::tanh(x);
    case Activation::kGeluErf: return 0.5f * x * (1 + std::erf(x * 0.70710678f));
    case Activation::kGeluTanh:
      return 0.5f * x * (1 + std::tanh(0.79788456f * (x + 0.044715f * x * x * x)));
    case Activation::kMish: return x * std::tanh(std::log1p(std::exp(x)));
    case Activation::kAbs: return std::fabs(x);
    case Activation::kSqrt: return std::sqrt(x);
    case Activation::kClip: return clamp(x, e.alpha, e.beta);
  }
  return x;
}

// Plain loops over every pair of positions that a kernel element joins.
std::vector<float> Expected(const Case& c, const std::vector<float>& src,
                            const std::vector<float>& weights, const std::vector<float>& bias,
                            const std::vector<float>& residual) {
  const ConvSpec& s = c.spec;
  const ConvExtents& e = c.extents;
  const int64_t ig = s.in_channels / s.groups, og = s.out_channels / s.groups;
  std::vector<double> sums(residual.size());
  const auto& small = s.transposed ? e.in : e.out;
  const auto& large = s.transposed ? e.out : e.in;
  for (int64_t n = 0; n < e.batch; ++n)
    for (int64_t y = 0; y < small[0]; ++y)
      for (int64_t x = 0; x < small[1]; ++x)
        for (int64_t ky = 0; ky < s.kernel[0]; ++ky)
          for (int64_t kx = 0; kx < s.kernel[1]; ++kx) {
            const int64_t ly = y * s.stride[0] + ky * s.dilation[0] - e.pad_before[0];
            const int64_t lx = x * s.stride[1] + kx * s.dilation[1] - e.pad_before[1];
            if (ly < 0 || lx < 0 || ly >= large[0] || lx >= large[1]) continue;
            const int64_t near = (n * small[0] + y) * small[1] + x;
            const int64_t far = (n * large[0] + ly) * large[1] + lx;
            const int64_t from = s.transposed ? near : far, to = s.transposed ? far : near;
            for (int64_t o = 0; o < s.out_channels; ++o)
              for (int64_t i = 0; i < ig; ++i) {
                const int64_t ci = o / og * ig + i;
                const int64_t row = s.transposed ? ci * og + o % og : o * ig + i;
                sums[static_cast<size_t>(to * s.out_channels + o)] +=
                    double{src[static_cast<size_t>(from * s.in_channels + ci)]} *
                    weights[static_cast<size_t>((row * s.kernel[0] + ky) * s.kernel[1] + kx)];
              }
          }
  std::vector<float> dst(sums.size());
  for (size_t i = 0; i < dst.size(); ++i) {
    double sum = sums[i];
    if (s.bias != nullptr) sum += bias[i % bias.size()];
    if (s.epilogue.residual) sum += residual[i];
    dst[i] = Activate(s.epilogue, static_cast<float>(sum));
  }
  return dst;
}

class ConvTest : public testing::TestWithParam<Case> {};

TEST_P(ConvTest, IsThePlainLoops) {
  Case c = GetParam();
  ConvSpec& s = c.spec;
  const ConvExtents& e = c.extents;
  const auto src = Noise(e.batch * e.in[0] * e.in[1] * s.in_channels, 1);
  const auto weights =
      Noise(s.in_channels * s.out_channels / s.groups * s.kernel[0] * s.kernel[1], 2);
  const auto bias = Noise(s.out_channels, 3);
  if (s.bias != nullptr) s.bias = bias.data();
  const auto residual = Noise(e.batch * e.out[0] * e.out[1] * s.out_channels, 4);
  const auto want = Expected(c, src, weights, bias, residual);

  const Weights packed(weights.data(), nullptr);
  for (int threads : {1, 2}) {
    auto kernels = ConvKernels(s, e, threads);
    ASSERT_TRUE(kernels.ok()) << kernels.status().ToString();
    ASSERT_EQ(kernels->empty(), s.transposed);
    kernels->push_back("");  // the cost model's
    for (const std::string& kernel : *kernels) {
      auto made = MakeConv(s, e, packed, threads, kernel);
      ASSERT_TRUE(made.ok()) << made.status().ToString();
      EXPECT_TRUE(kernel.empty() || (*made)->kernel() == kernel)
          << kernel << " was asked for, not " << (*made)->kernel();
      auto dst = residual;
      const auto scratchpad = Scratchpad((*made)->scratchpad_bytes());
      ASSERT_TRUE(
          (*made)
              ->Execute({.src = src.data(), .dst = dst.data(), .scratchpad = scratchpad.get()},
                        threads)
              .ok());
      for (size_t i = 0; i < dst.size(); ++i) {
        ASSERT_NEAR(dst[i], want[i], 2e-5 * (1 + std::fabs(want[i])))
            << "at " << i << " by " << (*made)->kernel();
      }
    }
  }
}

TEST(ConvKernelTest, TheCostModelsIsTheFirst) {
  const auto weights = Noise(int64_t{64} * 64, 2);
  const Weights packed(weights.data(), nullptr);
  const ConvSpec pointwise{false, 64, 64, 1, {1, 1}, {1, 1}, {1, 1}, nullptr, {}};
  for (const int64_t side : {4, 28}) {
    const ConvExtents extents{1, {side, side}, {side, side}, {0, 0}};
    for (const int threads : {1, 2}) {
      const auto kernels = ConvKernels(pointwise, extents, threads);
      ASSERT_TRUE(kernels.ok());
      const auto made = MakeConv(pointwise, extents, packed, threads);
      const auto other = MakeConv(pointwise, extents, packed, threads, "no such kernel");
      ASSERT_TRUE(made.ok() && other.ok());
      EXPECT_EQ((*made)->kernel(), kernels->front());
      EXPECT_EQ((*other)->kernel(), kernels->front()) << "a stranger's choice is passed over";
    }
  }
}

std::string Preferred(const ConvSpec& spec, const ConvExtents& extents) {
  const auto kernels = ConvKernels(spec, extents, 1);
  return kernels.ok() ? kernels->front() : kernels.status().ToString();
}

TEST(ConvKernelTest, DepthwiseIsDirect) {
  const ConvSpec depthwise{false, 64, 64, 64, {3, 3}, {1, 1}, {1, 1}, nullptr, {}};
  const std::string name = Preferred(depthwise, {1, {28, 28}, {28, 28}, {1, 1}});
  EXPECT_FALSE(name.starts_with("brdgmm_dw")) << name;
}

TEST(ConvKernelTest, VectorsThatAreHalvedAreUsedWhereTheyFillUp) {
  if (!HalvesVectors512()) GTEST_SKIP() << "this CPU does not halve vectors: " << CpuName();
  const ConvExtents extents{1, {28, 28}, {28, 28}, {1, 1}};
  const auto of = [&](int64_t out_channels) {
    const ConvSpec spec{false, 96, out_channels, 1, {3, 3}, {1, 1}, {1, 1}, nullptr, {}};
    return Preferred(spec, extents);
  };
  EXPECT_TRUE(of(24).ends_with(":avx2")) << of(24);
  EXPECT_TRUE(of(64).ends_with(":avx512_core")) << of(64);
}

const float kHasBias = 0;

std::vector<Case> Cases() {
  const ConvExtents plain{2, {9, 10}, {9, 10}, {1, 1}};
  std::vector<Case> cases = {
      {"Pointwise",
       {false, 24, 32, 1, {1, 1}, {1, 1}, {1, 1}, nullptr, {}},
       {2, {7, 5}, {7, 5}, {0, 0}}},
      {"PointwiseStrided",
       {false, 16, 24, 1, {1, 1}, {2, 2}, {1, 1}, &kHasBias, {}},
       {1, {8, 9}, {4, 5}, {0, 0}}},
      {"Stem",
       {false, 3, 16, 1, {3, 3}, {2, 2}, {1, 1}, &kHasBias, {}},
       {1, {10, 11}, {5, 6}, {1, 1}}},
      {"OddChannels", {false, 5, 7, 1, {3, 3}, {1, 1}, {1, 1}, &kHasBias, {}}, plain},
      {"Grouped", {false, 16, 32, 2, {3, 3}, {1, 1}, {1, 1}, &kHasBias, {}}, plain},
      {"Depthwise", {false, 24, 24, 24, {3, 3}, {1, 1}, {1, 1}, &kHasBias, {}}, plain},
      {"DepthwiseOdd",
       {false, 13, 13, 13, {3, 3}, {2, 2}, {1, 1}, &kHasBias, {}},
       {1, {9, 10}, {5, 5}, {1, 1}}},
      {"Multiplier", {false, 8, 16, 8, {3, 3}, {1, 1}, {1, 1}, nullptr, {}}, plain},
      {"Dilated",
       {false, 8, 8, 1, {3, 3}, {1, 1}, {2, 3}, nullptr, {}},
       {1, {9, 12}, {9, 12}, {2, 3}}},
      {"Asymmetric",
       {false, 8, 8, 1, {3, 2}, {2, 2}, {1, 1}, nullptr, {}},
       {1, {8, 9}, {4, 5}, {0, 1}}},
      {"RowsLeftOver",
       {false, 8, 8, 1, {2, 2}, {3, 3}, {1, 1}, nullptr, {}},
       {1, {10, 10}, {3, 3}, {0, 0}}},
      {"Transposed",
       {true, 8, 16, 1, {3, 3}, {2, 2}, {1, 1}, &kHasBias, {}},
       {1, {5, 6}, {9, 11}, {1, 1}}},
      {"TransposedExtra",
       {true, 8, 16, 1, {2, 2}, {2, 2}, {1, 1}, nullptr, {}},
       {1, {5, 6}, {11, 12}, {0, 0}}},
      {"TransposedGrouped",
       {true, 8, 16, 4, {4, 4}, {2, 2}, {1, 1}, &kHasBias, {}},
       {1, {5, 6}, {10, 12}, {1, 1}}},
  };
  const std::pair<const char*, Epilogue> epilogues[] = {
      {"Relu", {1, false, Activation::kRelu, 0, 0}},
      {"Residual", {1, true, Activation::kNone, 0, 0}},
      {"ResidualClip", {1, true, Activation::kClip, 0, 6}},
      {"LeakyRelu", {1, false, Activation::kLeakyRelu, 0.1f, 0}},
      {"HardSwish", {1, false, Activation::kHardSwish, 0, 0}},
      {"ResidualHardSigmoid", {1, true, Activation::kHardSigmoid, 0.2f, 0.5f}},
      {"Sigmoid", {1, false, Activation::kSigmoid, 0, 0}},
      {"Swish", {1, false, Activation::kSwish, 1, 0}},
      {"Tanh", {1, false, Activation::kTanh, 0, 0}},
      {"GeluErf", {1, false, Activation::kGeluErf, 0, 0}},
      {"GeluTanh", {1, false, Activation::kGeluTanh, 0, 0}},
      {"Mish", {1, false, Activation::kMish, 0, 0}},
      {"Abs", {1, false, Activation::kAbs, 0, 0}},
  };
  for (const auto& [name, epilogue] : epilogues) {
    cases.push_back({name, {false, 8, 16, 1, {3, 3}, {1, 1}, {1, 1}, &kHasBias, epilogue}, plain});
  }
  const Epilogue busy{1, true, Activation::kHardSwish, 0, 0};
  cases.push_back({"PointwiseBusy",
                   {false, 24, 32, 1, {1, 1}, {1, 1}, {1, 1}, &kHasBias, busy},
                   {2, {7, 5}, {7, 5}, {0, 0}}});
  cases.push_back(
      {"DepthwiseBusy", {false, 24, 24, 24, {3, 3}, {1, 1}, {1, 1}, &kHasBias, busy}, plain});
  cases.push_back(
      {"TransposedRelu",
       {true, 8, 16, 1, {2, 2}, {2, 2}, {1, 1}, &kHasBias, {1, false, Activation::kRelu, 0, 0}},
       {1, {5, 6}, {10, 12}, {0, 0}}});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, ConvTest, testing::ValuesIn(Cases()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(ConvRefusalTest, AnImpossibleStrideIsAStatus) {
  ConvSpec spec;
  spec.in_channels = spec.out_channels = 8;
  spec.stride = {0, 1};
  const std::vector<float> weights(64);
  const Weights packed(weights.data(), nullptr);
  auto made = MakeConv(spec, {1, {4, 4}, {4, 4}, {0, 0}}, packed, 1);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(std::string(made.status().message()), testing::HasSubstr("oneDNN"));
}

}  // namespace
}  // namespace skiff::onednn
