// Gradients of every operator of a tape against differences of its output.
#include "quant/reconstruct/tape.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "quant/reconstruct/drops.h"
#include "quant/reconstruct/nodes.h"

namespace skiff::quant {
namespace {

std::vector<float> Noise(size_t count, unsigned seed, float largest = 1) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-largest, largest);
  std::vector<float> values(count);
  for (float& v : values) v = uniform(generator);
  return values;
}

// A tape of one node: weight 0 is the only parameter. A product with a constant in front of the
// node makes the gradient of its input wanted: it appears as that of the first operand's own
// weight.
class GradientTest : public ::testing::Test {
 protected:
  // The loss is the sum of the output's elements times fixed numbers.
  double Loss(const Tape& tape, Lane& lane, std::span<const float> x) {
    EXPECT_TRUE(tape.Forward(x, &lane).ok());
    const std::vector<float>& y = lane.x[static_cast<size_t>(tape.output())];
    const std::vector<float> factors = Noise(y.size(), 99);
    double sum = 0;
    for (size_t i = 0; i < y.size(); ++i) sum += double{y[i]} * factors[i];
    return sum;
  }

  void RunBackward(const Tape& tape, Lane& lane) {
    std::vector<float>& dy = lane.dx[static_cast<size_t>(tape.output())];
    dy = Noise(dy.size(), 99);
    for (auto& dw : lane.dweights) std::fill(dw.begin(), dw.end(), 0.0F);
    EXPECT_TRUE(tape.Backward(&lane).ok());
  }

  // Compares the gradient of each weight of the tape with differences.
  void Check(Tape& tape, std::span<const float> x, float tolerance = 2e-2F) {
    Lane lane = tape.NewLane();
    Loss(tape, lane, x);
    RunBackward(tape, lane);
    for (size_t w = 0; w < tape.weights.size(); ++w) {
      std::vector<float> values(tape.weights[w].values,
                                tape.weights[w].values + tape.weights[w].count);
      const float* given = tape.weights[w].values;
      tape.weights[w].values = values.data();
      Lane other = tape.NewLane();
      double largest = 0;
      for (const float g : lane.dweights[w]) largest = std::max(largest, std::fabs(double{g}));
      ASSERT_GT(largest, 0) << "weight " << w;
      for (size_t i = 0; i < values.size(); i += 1 + values.size() / 40) {
        const float before = values[i];
        constexpr float kDelta = 2e-3F;
        values[i] = before + kDelta;
        const double above = Loss(tape, other, x);
        values[i] = before - kDelta;
        const double below = Loss(tape, other, x);
        values[i] = before;
        const double expected = (above - below) / (2 * kDelta);
        EXPECT_NEAR(lane.dweights[w][i], expected, tolerance * largest)
            << "weight " << w << ", element " << i;
      }
      tape.weights[w].values = given;
    }
  }

  // value 0 of `dims`, times channel weights [C, 1, 1, 1]: a value whose gradient is wanted.
  int Start(Tape& tape, const Dims& dims) {
    const int x = tape.AddValue(dims);
    const int start = tape.AddValue(dims);
    channel_ = Noise(static_cast<size_t>(dims[1]), 5);
    for (float& c : channel_) c += std::copysign(0.5F, c);
    const int weight = tape.AddWeight("start", channel_.data(), channel_.size());
    tape.AddNode(MakeDepthwise({.index = weight}, {}, {}), {x}, start, true);
    return start;
  }

  // Tape: start, one node, loss.
  void CheckNode(std::unique_ptr<TapeNode> node, const Dims& in, const Dims& out,
                 float largest = 1) {
    Tape tape;
    const int start = Start(tape, in);
    const int y = tape.AddValue(out);
    tape.AddNode(std::move(node), {start}, y, false);
    tape.Finish(y);
    const std::vector<float> x = Noise(static_cast<size_t>(in.Numel()), 7, largest);
    Check(tape, x);
  }

  // The same with a weight.
  void CheckWeighted(const std::function<std::unique_ptr<TapeNode>(WeightRef)>& make,
                     size_t weights, const Dims& in, const Dims& out) {
    Tape tape;
    const int start = Start(tape, in);
    const int y = tape.AddValue(out);
    weight_ = Noise(weights, 11);
    const int weight = tape.AddWeight("w", weight_.data(), weights);
    tape.AddNode(make({.index = weight}), {start}, y, true);
    tape.Finish(y);
    Check(tape, Noise(static_cast<size_t>(in.Numel()), 7));
  }

  std::vector<float> channel_;
  std::vector<float> weight_;
};

TEST_F(GradientTest, Convolution) {
  CheckWeighted([](WeightRef w) { return MakeConvolution(w, {}, 1, {}); }, 6 * 4, {1, 4, 5, 7},
                {1, 6, 5, 7});
  WindowGeometry window{.kernel = {3, 2}, .stride = {2, 1}, .dilation = {1, 2}, .before = {1, 0}};
  window.after = {1, 1};
  CheckWeighted(
      [&](WeightRef w) { return MakeConvolution(w, window, 2, std::vector<float>(6, 0.25F)); },
      6 * 2 * 6, {1, 4, 5, 7}, {1, 6, 3, 6});
}

TEST_F(GradientTest, Depthwise) {
  for (const int64_t stride : {1, 2}) {
    WindowGeometry window{.kernel = {3, 3}, .stride = {stride, stride}, .before = {1, 1}};
    window.after = {1, 1};
    const int64_t out = stride == 1 ? 13 : 7;
    CheckWeighted(
        [&](WeightRef w) { return MakeDepthwise(w, window, std::vector<float>(4, 0.5F)); }, 4 * 9,
        {1, 4, 13, 13}, {1, 4, out, out});
  }
}

TEST_F(GradientTest, Product) {
  for (const bool transposed : {false, true}) {
    CheckWeighted(
        [&](WeightRef w) { return MakeProduct(w, 12, 5, transposed, std::vector<float>(5, 1.0F)); },
        12 * 5, {1, 3, 2, 6}, {1, 3, 5});
  }
}

TEST_F(GradientTest, Activations) {
  using Kind = ActivationFunction::Kind;
  const std::vector<ActivationFunction> functions = {{Kind::kClip, -0.5F, 0.6F},
                                                     {Kind::kLeaky, 0},
                                                     {Kind::kLeaky, 0.1F},
                                                     {Kind::kHardSwish, 3, 6, 6},
                                                     {Kind::kHardSigmoid, 0.2F, 0.5F},
                                                     {Kind::kSigmoid},
                                                     {Kind::kSwish, 1},
                                                     {Kind::kTanh},
                                                     {Kind::kAffine, 2, 1}};
  for (const ActivationFunction& function : functions) {
    SCOPED_TRACE(static_cast<int>(function.kind));
    CheckNode(MakeActivation(function), {1, 3, 8, 8}, {1, 3, 8, 8}, 4);
  }
}

TEST_F(GradientTest, ChannelsAndPools) {
  CheckNode(MakeChannelAffine({1, 3, 20}, {1, -2, 3}, {0, 1, 2}), {1, 3, 4, 5}, {1, 3, 4, 5});
  PoolGeometry pool{.average = true, .adaptive = true};
  CheckNode(MakePool(pool), {1, 3, 5, 5}, {1, 3, 1, 1});
  CheckNode(MakePool(pool), {1, 3, 5, 5}, {1, 3, 2, 3});
  pool.adaptive = false;
  pool.window = {.kernel = {3, 3}, .stride = {2, 2}, .before = {1, 1}, .after = {1, 1}};
  for (const bool exclusive : {true, false}) {
    pool.exclusive = exclusive;
    CheckNode(MakePool(pool), {1, 3, 6, 6}, {1, 3, 3, 3});
  }
  pool.average = false;
  CheckNode(MakePool(pool), {1, 3, 6, 6}, {1, 3, 3, 3});
}

// Both operands come from one value, which has then two readers, and one of them is broadcast.
TEST_F(GradientTest, BinaryOperators) {
  for (const BinaryKind kind : {BinaryKind::kAdd, BinaryKind::kSubtract, BinaryKind::kMultiply}) {
    for (const bool broadcast : {false, true}) {
      SCOPED_TRACE(static_cast<int>(kind));
      Tape tape;
      const int start = Start(tape, {1, 3, 4, 4});
      const Dims other = broadcast ? Dims{1, 3, 1, 1} : Dims{1, 3, 4, 4};
      const int y = tape.AddValue(other);
      const int z = tape.AddValue({1, 3, 4, 4});
      if (broadcast) {
        tape.AddNode(MakePool({.average = true, .adaptive = true}), {start}, y, false);
      } else {
        tape.AddNode(MakeActivation({ActivationFunction::Kind::kTanh}), {start}, y, false);
      }
      tape.AddNode(MakeBinary(kind, broadcast ? Broadcast{1, 3, 16} : Broadcast{1, 48, 1}),
                   {start, y}, z, false);
      tape.Finish(z);
      Check(tape, Noise(48, 7));
    }
  }
}

// Straight through: as if nothing were rounded, and nothing passes where codes end.
TEST_F(GradientTest, Rounding) {
  Tape tape;
  const int start = Start(tape, {1, 2, 1, 4});
  const int rounder = tape.AddRounder({"x", 0.01F, 127, true});
  const int y = tape.AddValue({1, 2, 1, 4});
  tape.AddNode(MakeRounding(rounder), {start}, y, true);
  tape.Finish(y);
  channel_ = {1, 1};
  const std::vector<float> x = {0.123F, -0.456F, 1.5F, -9.0F, 0.0F, 1.27F, -1.27F, 0.005F};
  Lane lane = tape.NewLane();
  Loss(tape, lane, x);
  const std::vector<float> expected = {0.12F, -0.46F, 1.27F, -1.27F, 0.0F, 1.27F, -1.27F, 0.0F};
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(lane.x[static_cast<size_t>(y)][i], expected[i], 1e-6) << i;
  }
  RunBackward(tape, lane);
  const std::vector<float> dy = Noise(8, 99);
  double step = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool cut = i == 2 || i == 3;
    EXPECT_EQ(lane.dx[static_cast<size_t>(start)][i], cut ? 0.0F : dy[i]) << i;
    const double v = x[i] / 0.01;
    step += dy[i] * (cut ? std::copysign(127.0, v) : std::nearbyint(v) - v);
  }
  EXPECT_NEAR(lane.dsteps[0], step, 1e-3 * std::fabs(step));
  lane.mode.round = false;
  Loss(tape, lane, x);
  EXPECT_EQ(lane.x[static_cast<size_t>(y)], x);
}

TEST(DropTest, LeavesTheShareThatWasAskedForAndRepeatsItself) {
  Tape tape;
  constexpr size_t kCount = 20000;
  const int x = tape.AddValue({1, static_cast<int64_t>(kCount)});
  const int rounder = tape.AddRounder({"x", 1.0F, 127, false});
  const int y = tape.AddValue({1, static_cast<int64_t>(kCount)});
  tape.AddNode(MakeRounding(rounder), {x}, y, false);
  tape.Finish(y);
  Lane lane = tape.NewLane();
  const std::vector<float> values(kCount, 0.3F);
  std::vector<float> first;
  for (const float probability : {0.0F, 0.25F, 0.5F}) {
    lane.mode.drop_probability = probability;
    lane.seed = 3;
    ASSERT_TRUE(tape.Forward(values, &lane).ok());
    const std::vector<float> once = lane.x[1];
    const auto left = std::count(once.begin(), once.end(), 0.3F);
    EXPECT_NEAR(static_cast<double>(left) / kCount, probability, 0.015);
    ASSERT_TRUE(tape.Forward(values, &lane).ok());
    EXPECT_EQ(lane.x[1], once);
    lane.seed = 4;
    ASSERT_TRUE(tape.Forward(values, &lane).ok());
    EXPECT_EQ(lane.x[1] != once, probability > 0);
  }
}

}  // namespace
}  // namespace skiff::quant
