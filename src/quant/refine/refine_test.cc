#include "quant/refine/refine.h"

#include <gtest/gtest.h>

#include <cmath>

#include "formats/test_models.h"
#include "quant/reconstruct/test_net.h"
#include "quant/refine/equalize.h"
#include "quant/refine/patches.h"
#include "quant/refine/rounding.h"
#include "quant/tracer.h"

namespace skiff::quant {
namespace {

std::vector<float> ReadOutput(const program::Program& program, Precision precision,
                              CalibrationData& data, const char* name = "out") {
  RunnerOptions options;
  options.precision = precision;
  auto tracer = Tracer::Make(program, options);
  EXPECT_TRUE(tracer.ok());
  std::vector<float> all;
  for (int64_t i = 0; i < data.batches(); ++i) {
    EXPECT_TRUE((*tracer)->Run(data, i).ok());
    const RunTensor y = (*tracer)->Read(*(*tracer)->Find(name));
    all.insert(all.end(), y.data.begin(), y.data.end());
  }
  return all;
}

double MeanSquare(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

// A convolution, a depthwise one and a product: the weight times the patch is the output.
TEST(PatchesTest, WeightTimesPatchIsTheOutput) {
  const program::Program program = TestNet();
  TestData data(1, 2);
  auto tracer = Tracer::Make(program, {});
  ASSERT_TRUE(tracer.ok() && (*tracer)->Run(data, 0).ok());
  const std::vector<Layer> layers = PlanLayers(program, {});
  ASSERT_EQ(layers.size(), 5U);
  for (const Layer& layer : layers) {
    const program::Tensor& weight = program.params.at(layer.weight);
    const auto patches = Patches::Of(program.blocks[0].ops[layer.op], layer, weight);
    ASSERT_TRUE(patches.has_value()) << layer.output;
    const std::vector<float> matrix = patches->Matrix(weight.As<float>());
    const RunTensor x = (*tracer)->Read(*(*tracer)->Find(layer.activation));
    const RunTensor y = (*tracer)->Read(*(*tracer)->Find(layer.output));
    ASSERT_TRUE(patches->Fits(x, y)) << layer.output;
    const auto length = static_cast<size_t>(patches->length());
    std::vector<float> patch(static_cast<size_t>(patches->groups()) * length);
    std::vector<float> wanted(static_cast<size_t>(patches->channels()));
    for (int64_t p = 0; p < patches->Positions(y); ++p) {
      patches->Gather(x, y, p, patch.data());
      patches->GatherOutput(y, p, wanted.data());
      for (size_t c = 0; c < wanted.size(); ++c) {
        const size_t group = c / static_cast<size_t>(patches->outputs());
        float sum = 0;
        for (size_t k = 0; k < length; ++k)
          sum += matrix[c * length + k] * patch[group * length + k];
        ASSERT_NEAR(sum, wanted[c], 1e-4) << layer.output << " position " << p;
      }
    }
  }
}

// Inputs that go together: rounding each weight to the nearest code lets their errors add up.
TEST(GramRoundingTest, NoSingleCodeCanBeImproved) {
  constexpr int64_t kOutputs = 3;
  constexpr int64_t kLength = 70;  // more than one block of columns
  std::vector<float> gram(kLength * kLength);
  const std::vector<float> x = TestNoise(40 * kLength, 5, 1);
  for (int64_t i = 0; i < kLength; ++i) {
    for (int64_t k = 0; k < kLength; ++k) {
      float sum = i == k ? 0.1F : 0.0F;
      for (int64_t r = 0; r < 40; ++r) {
        sum += (x[static_cast<size_t>(r * kLength + i)] + 1) *
               (x[static_cast<size_t>(r * kLength + k)] + 1);
      }
      gram[static_cast<size_t>(i * kLength + k)] = sum;
    }
  }
  const std::vector<float> w = TestNoise(kOutputs * kLength, 9, 3);
  const std::vector<float> steps = {0.5F, 0.3F, 1.0F};
  std::vector<float> target(w.size());
  std::vector<int8_t> codes(w.size());
  for (size_t i = 0; i < w.size(); ++i) {
    const size_t o = i / kLength;
    for (size_t k = 0; k < kLength; ++k) {
      target[i] += w[o * kLength + k] * gram[k * kLength + i % kLength];
    }
    codes[i] = static_cast<int8_t>(std::nearbyint(w[i] / steps[o]));
  }
  // (w^ - w) H (w^ - w): the same up to a constant.
  const auto loss = [&](const std::vector<int8_t>& q, size_t o) {
    std::vector<double> off(kLength);
    for (size_t i = 0; i < kLength; ++i)
      off[i] = steps[o] * q[o * kLength + i] - w[o * kLength + i];
    double sum = 0;
    for (size_t i = 0; i < kLength; ++i) {
      for (size_t k = 0; k < kLength; ++k) sum += off[i] * off[k] * gram[i * kLength + k];
    }
    return sum;
  };
  const std::vector<int8_t> nearest = codes;
  RoundingProblem problem{.outputs = kOutputs, .length = kLength};
  problem.gram = gram;
  problem.target = target;
  problem.steps = steps;
  ASSERT_TRUE(RoundToOutputs(problem, 1, codes).ok());
  int halved = 0;
  for (size_t o = 0; o < kOutputs; ++o) {
    const double least = loss(codes, o);
    EXPECT_LE(least, loss(nearest, o));
    halved += least < loss(nearest, o) / 2;
    int better = 0;
    for (size_t i = o * kLength; i < (o + 1) * kLength; ++i) {
      EXPECT_LE(std::abs(codes[i] - nearest[i]), 1);
      for (int change : {-1, 1}) {
        std::vector<int8_t> moved = codes;
        moved[i] = static_cast<int8_t>(moved[i] + change);
        const bool allowed = std::abs(moved[i] - nearest[i]) <= 1;
        better += allowed && loss(moved, o) < least * (1 - 1e-3);
      }
    }
    EXPECT_EQ(better, 0) << "output " << o;
  }
  EXPECT_GE(halved, 2);
}

TEST(EqualizeTest, ComputesTheSameOnCloserRanges) {
  program::Program program = TestNet();
  TestData data(4, 2);
  const std::vector<float> before = ReadOutput(program, Precision::kFp32, data);
  const auto spread = [&] {
    std::vector<float> most(12);
    const std::vector<float> e = ReadOutput(program, Precision::kFp32, data, "e6");
    for (size_t i = 0; i < e.size(); ++i) most[i / 64 % 12] = std::max(most[i / 64 % 12], e[i]);
    float least = 1e9F;
    for (float m : most) least = m > 0 ? std::min(least, m) : least;
    return *std::max_element(most.begin(), most.end()) / least;
  };
  const float wide = spread();
  ASSERT_TRUE(Equalize(data, {}, Cache(""), "", {}, &program).ok());
  EXPECT_LT(spread(), wide / 2) << "what a depthwise convolution reads costs nothing to equalise";
  const std::vector<float> after = ReadOutput(program, Precision::kFp32, data);
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i], before[i], 2e-5);
}

// Data that break off, as a killed process does.
class BrokenData final : public CalibrationData {
 public:
  BrokenData(CalibrationData& data, int left) : data_(data), left_(left) {}
  [[nodiscard]] int64_t batches() const override { return data_.batches(); }
  Result<std::vector<TensorView>> Batch(int64_t index) override {
    if (left_-- == 0) return Internal("broken off");
    return data_.Batch(index);
  }

 private:
  CalibrationData& data_;
  int left_;
};

class RefineTest : public ::testing::Test {
 protected:
  RefineTest() { ApplyRecipe(Recipe::kDefault, &options_); }

  Status Run(CalibrationData& data, const Cache& cache, Quantized* quantized) {
    return Refine(program_, data, options_, cache, "key", {}, quantized);
  }

  program::Program program_ = TestNet();
  TestData data_{8, 4};
  QuantizeOptions options_;
};

TEST_F(RefineTest, LosesLess) {
  const std::vector<float> real = ReadOutput(program_, Precision::kFp32, data_);
  Quantized quantized = QuantizeTestNet(program_, data_);
  const auto error = [&] {
    const program::Program exported = Export(program_, quantized, QuantizeOptions());
    return MeanSquare(ReadOutput(exported, Precision::kSimulate, data_), real);
  };
  const double before = error();
  ASSERT_TRUE(Run(data_, Cache(""), &quantized).ok());
  EXPECT_FALSE(quantized.biases.empty());
  EXPECT_LT(error(), before / 4);
}

TEST_F(RefineTest, GoesOnAfterAKill) {
  Quantized whole = QuantizeTestNet(program_, data_);
  ASSERT_TRUE(Run(data_, Cache(""), &whole).ok());
  const formats::TemporaryFolder folder;
  const Cache cache(folder.path());
  Quantized quantized = QuantizeTestNet(program_, data_);
  const Quantized start = quantized;
  BrokenData broken(data_, 11);
  ASSERT_FALSE(Run(broken, cache, &quantized).ok());
  quantized = start;
  ASSERT_TRUE(Run(data_, cache, &quantized).ok());
  // A third time without data: all comes from the cache.
  Quantized again = start;
  BrokenData none(data_, 0);
  ASSERT_TRUE(Run(none, cache, &again).ok());
  for (const auto& [name, weight] : whole.weights) {
    EXPECT_EQ(quantized.weights.at(name).codes, weight.codes) << name;
    EXPECT_EQ(again.weights.at(name).codes, weight.codes) << name;
  }
  for (const auto& [name, values] : whole.biases) EXPECT_EQ(again.biases.at(name), values);
  for (const auto& [name, range] : whole.ranges) {
    EXPECT_EQ(again.ranges.at(name).threshold, range.threshold);
  }
}

TEST(CacheTest, GivesBackWhatWasStoredAndNothingElse) {
  const formats::TemporaryFolder folder;
  const Cache cache(folder.path());
  EXPECT_FALSE(cache.Load("a").has_value());
  cache.Store("a", "one");
  cache.Store("b", "");
  EXPECT_EQ(cache.Load("a"), "one");
  EXPECT_EQ(cache.Load("b"), "");
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    std::ofstream(file.path(), std::ios::app) << "x";
  }
  EXPECT_FALSE(cache.Load("a").has_value()) << "damaged";
  const Cache none("");
  none.Store("a", "one");
  EXPECT_FALSE(none.Load("a").has_value());
}

TEST(CalibrateTest, GoesOnWhereItWasStopped) {
  const program::Program program = TestNet();
  TestData data(6, 2);
  const formats::TemporaryFolder folder;
  QuantizeOptions options;
  const std::set<std::string> names = {"r", "e6", "s"};
  const auto whole = Calibrate(program, names, data, options, Cache(""), "key", {});
  ASSERT_TRUE(Calibrate(program, names, data, options, Cache(folder.path()), "key", {}).ok());
  // Another algorithm over the same statistics, without data.
  BrokenData none(data, 0);
  options.algo = CalibrationAlgorithm::kKl;
  const auto kl = Calibrate(program, names, data, options, Cache(""), "key", {});
  const auto cached = Calibrate(program, names, none, options, Cache(folder.path()), "key", {});
  ASSERT_TRUE(kl.ok() && cached.ok());
  for (const std::string& name : names) {
    EXPECT_EQ(cached->ranges.at(name).threshold, kl->ranges.at(name).threshold) << name;
    EXPECT_EQ(cached->ranges.at(name).largest, whole->ranges.at(name).largest) << name;
  }
}

}  // namespace
}  // namespace skiff::quant
