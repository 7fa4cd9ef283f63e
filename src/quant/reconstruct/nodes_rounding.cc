// Rounding of activations with straight-through gradients, learned steps (LSQ, arXiv 1902.08153)
// and random dropping of the rounding (QDrop, arXiv 2203.05740).
#include <algorithm>
#include <array>
#include <cmath>

#include "quant/reconstruct/drops.h"
#include "quant/reconstruct/nodes.h"

namespace skiff::quant {
namespace {

// Adding and taking away 1.5 * 2^23 rounds what is small to an integer, halves to even.
constexpr float kRounder = 12582912.0F;

float Round(float v, float codes) {
  const float low = v < -codes ? -codes : v;
  return (low > codes ? codes : low) + kRounder - kRounder;
}

// Of floats, whose sum over a picture would lose the small ones.
double Sum(const std::array<float, kChunk>& terms, size_t count) {
  std::array<float, 8> sums{};
  for (size_t i = 0; i + sums.size() <= count; i += sums.size()) {
    for (size_t k = 0; k < sums.size(); ++k) sums[k] += terms[i + k];
  }
  double total = 0;
  for (const float sum : sums) total += sum;
  for (size_t i = count - count % sums.size(); i < count; ++i) total += terms[i];
  return total;
}

class RoundingNode final : public TapeNode {
 public:
  explicit RoundingNode(int index) : index_(static_cast<size_t>(index)) {}

  void Forward(const Tape& tape, Lane& lane) const override {
    const std::vector<float>& values = lane.x[static_cast<size_t>(inputs[0])];
    float* y = lane.x[static_cast<size_t>(output)].data();
    if (!lane.mode.round) {
      std::copy(values.begin(), values.end(), y);
      return;
    }
    const float step = tape.rounders[index_].step;
    const float codes = tape.rounders[index_].codes;
    const float inverse = 1 / step;
    DropGenerator drops = Drops(lane);
    ForEachChunk(values.size(), [&](size_t begin, size_t count) {
      drops.NextChunk();
      const float* from = values.data() + begin;
      float* to = y + begin;
      for (size_t i = 0; i < count; ++i) {
        const float rounded = Round(from[i] * inverse, codes) * step;
        to[i] = drops.Drops(i) ? from[i] : rounded;
      }
    });
  }

  void Backward(const Tape& tape, Lane& lane) const override {
    const std::vector<float>& values = lane.x[static_cast<size_t>(inputs[0])];
    const float* dy = lane.dx[static_cast<size_t>(output)].data();
    const TapeRounder& rounder = tape.rounders[index_];
    const bool learn = rounder.learn && lane.mode.round;
    DropGenerator drops = Drops(lane);
    ForEachChunk(values.size(), [&](size_t begin, size_t count) {
      drops.NextChunk();
      const float* x = values.data() + begin;
      if (flows[0] != Flow::kNone) {
        float* dx = lane.dx[static_cast<size_t>(inputs[0])].data() + begin;
        PassGradient(x, dy + begin, rounder, count, drops, dx);
      }
      if (learn) lane.dsteps[index_] += StepGradient(x, dy + begin, rounder, count, drops);
    });
  }

 private:
  [[nodiscard]] DropGenerator Drops(const Lane& lane) const {
    return {MixSeed(lane.seed) + index_, lane.mode.round ? lane.mode.drop_probability : 0.0F};
  }

  // As if nothing were rounded, but for what is cut off.
  void PassGradient(const float* x, const float* dy, const TapeRounder& rounder, size_t count,
                    const DropGenerator& drops, float* dx) const {
    const float inverse = 1 / rounder.step;
    const float codes = rounder.codes;
    if (flows[0] == Flow::kWrite) std::fill_n(dx, count, 0.0F);
    for (size_t i = 0; i < count; ++i) {
      const float gradient = dy[i];
      const float passed = std::fabs(x[i] * inverse) > codes ? 0.0F : gradient;
      dx[i] += drops.Drops(i) ? gradient : passed;
    }
  }

  static double StepGradient(const float* x, const float* dy, const TapeRounder& rounder,
                             size_t count, const DropGenerator& drops) {
    const float inverse = 1 / rounder.step;
    const float codes = rounder.codes;
    std::array<float, kChunk> terms;
    for (size_t i = 0; i < count; ++i) {
      const float v = x[i] * inverse;
      const float code = Round(v, codes);
      const float difference = code - v;
      const float slope = dy[i] * (std::fabs(v) > codes ? code : difference);
      terms[i] = drops.Drops(i) ? 0.0F : slope;
    }
    return Sum(terms, count);
  }

  size_t index_;
};

}  // namespace

std::unique_ptr<TapeNode> MakeRounding(int index) { return std::make_unique<RoundingNode>(index); }

}  // namespace skiff::quant
