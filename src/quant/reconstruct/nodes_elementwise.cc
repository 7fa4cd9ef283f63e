// Activations, binary operators and affine maps of channels.
#include <algorithm>
#include <cmath>
#include <utility>

#include "quant/reconstruct/nodes.h"

namespace skiff::quant {
namespace {

using Kind = ActivationFunction::Kind;
using Flow = TapeNode::Flow;

float Sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

// Calls fn(value, derivative) of the function, as two lambdas of x.
template <typename Fn>
void WithFunction(const ActivationFunction& f, const Fn& fn) {
  const float a = f.a;
  const float b = f.b;
  const float c = f.c;
  switch (f.kind) {
    case Kind::kClip:
      return fn([=](float x) { return std::min(std::max(x, a), b); },
                [=](float x) { return x > a && x < b ? 1.0F : 0.0F; });
    case Kind::kLeaky:
      return fn([=](float x) { return x < 0 ? a * x : x; },
                [=](float x) { return x < 0 ? a : 1.0F; });
    case Kind::kHardSwish:
      return fn([=](float x) { return x * std::clamp(x + a, 0.0F, b) / c; },
                [=](float x) {
                  const float inside = x + a;
                  return inside <= 0 ? 0.0F : (inside >= b ? b / c : (inside + x) / c);
                });
    case Kind::kHardSigmoid:
      return fn([=](float x) { return std::clamp(a * x + b, 0.0F, 1.0F); },
                [=](float x) { return a * x + b > 0 && a * x + b < 1 ? a : 0.0F; });
    case Kind::kSigmoid:
      return fn([](float x) { return Sigmoid(x); },
                [](float x) { return Sigmoid(x) * (1 - Sigmoid(x)); });
    case Kind::kSwish:
      return fn([=](float x) { return x * Sigmoid(a * x); },
                [=](float x) {
                  const float s = Sigmoid(a * x);
                  return s + a * x * s * (1 - s);
                });
    case Kind::kTanh:
      return fn([](float x) { return std::tanh(x); },
                [](float x) { return 1 - std::tanh(x) * std::tanh(x); });
    case Kind::kAffine: return fn([=](float x) { return a * x + b; }, [=](float) { return a; });
  }
}

class ActivationNode final : public TapeNode {
 public:
  explicit ActivationNode(const ActivationFunction& function) : function_(function) {}

  void Forward(const Tape& /*tape*/, Lane& lane) const override {
    const std::vector<float>& x = lane.x[static_cast<size_t>(inputs[0])];
    float* y = lane.x[static_cast<size_t>(output)].data();
    WithFunction(function_, [&](const auto& value, const auto& /*derivative*/) {
      for (size_t i = 0; i < x.size(); ++i) y[i] = value(x[i]);
    });
  }

  void Backward(const Tape& /*tape*/, Lane& lane) const override {
    if (flows[0] == Flow::kNone) return;
    const std::vector<float>& x = lane.x[static_cast<size_t>(inputs[0])];
    const float* dy = lane.dx[static_cast<size_t>(output)].data();
    float* dx = lane.dx[static_cast<size_t>(inputs[0])].data();
    const bool add = flows[0] == Flow::kAdd;
    WithFunction(function_, [&](const auto& /*value*/, const auto& derivative) {
      if (add) {
        for (size_t i = 0; i < x.size(); ++i) dx[i] += dy[i] * derivative(x[i]);
      } else {
        for (size_t i = 0; i < x.size(); ++i) dx[i] = dy[i] * derivative(x[i]);
      }
    });
  }

 private:
  ActivationFunction function_;
};

// Calls fn(j, begin, end) for each run of elements that meets element j.
template <typename Fn>
void ForEachRun(const Broadcast& b, const Fn& fn) {
  for (int64_t o = 0; o < b.outer; ++o) {
    for (int64_t j = 0; j < b.count; ++j) {
      const int64_t begin = (o * b.count + j) * b.inner;
      fn(static_cast<size_t>(j), static_cast<size_t>(begin), static_cast<size_t>(begin + b.inner));
    }
  }
}

class BinaryNode final : public TapeNode {
 public:
  BinaryNode(BinaryKind kind, const Broadcast& broadcast) : kind_(kind), broadcast_(broadcast) {}

  void Forward(const Tape& tape, Lane& lane) const override {
    const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
    const float* y = lane.x[static_cast<size_t>(inputs[1])].data();
    float* z = lane.x[static_cast<size_t>(output)].data();
    const size_t n = tape.Count(output);
    if (kind_ == BinaryKind::kAdd && SameShape()) {
      for (size_t i = 0; i < n; ++i) z[i] = x[i] + y[i];
      return;
    }
    ForEachRun(broadcast_, [&](size_t j, size_t begin, size_t end) {
      const float other = kind_ == BinaryKind::kSubtract ? -y[j] : y[j];
      if (kind_ == BinaryKind::kMultiply) {
        for (size_t i = begin; i < end; ++i) z[i] = x[i] * other;
      } else {
        for (size_t i = begin; i < end; ++i) z[i] = x[i] + other;
      }
    });
  }

  void Backward(const Tape& /*tape*/, Lane& lane) const override {
    if (kind_ == BinaryKind::kAdd && SameShape()) return PassBoth(lane);
    const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
    const std::vector<float>& y = lane.x[static_cast<size_t>(inputs[1])];
    const float* dz = lane.dx[static_cast<size_t>(output)].data();
    const bool multiply = kind_ == BinaryKind::kMultiply;
    if (flows[0] != Flow::kNone) {
      std::vector<float>& dx = lane.dx[static_cast<size_t>(inputs[0])];
      if (flows[0] == Flow::kWrite) std::fill(dx.begin(), dx.end(), 0.0F);
      ForEachRun(broadcast_, [&](size_t j, size_t begin, size_t end) {
        const float factor = multiply ? y[j] : 1.0F;
        for (size_t i = begin; i < end; ++i) dx[i] += dz[i] * factor;
      });
    }
    if (flows[1] == Flow::kNone) return;
    std::vector<float>& dy = lane.dx[static_cast<size_t>(inputs[1])];
    if (flows[1] == Flow::kWrite) std::fill(dy.begin(), dy.end(), 0.0F);
    const float sign = kind_ == BinaryKind::kSubtract ? -1.0F : 1.0F;
    ForEachRun(broadcast_, [&](size_t j, size_t begin, size_t end) {
      float sum = 0;
      for (size_t i = begin; i < end; ++i) sum += multiply ? dz[i] * x[i] : dz[i];
      dy[j] += sign * sum;
    });
  }

 private:
  [[nodiscard]] bool SameShape() const { return broadcast_.outer == 1 && broadcast_.inner == 1; }

  // A residual: both operands get what the sum gets.
  void PassBoth(Lane& lane) const {
    const std::vector<float>& dz = lane.dx[static_cast<size_t>(output)];
    for (size_t k = 0; k < 2; ++k) {
      if (flows[k] == Flow::kNone) continue;
      float* dx = lane.dx[static_cast<size_t>(inputs[k])].data();
      if (flows[k] == Flow::kWrite) {
        std::copy(dz.begin(), dz.end(), dx);
      } else {
        for (size_t i = 0; i < dz.size(); ++i) dx[i] += dz[i];
      }
    }
  }

  BinaryKind kind_;
  Broadcast broadcast_;
};

class ChannelAffineNode final : public TapeNode {
 public:
  ChannelAffineNode(const Broadcast& broadcast, std::vector<float> factor, std::vector<float> term)
      : broadcast_(broadcast), factor_(std::move(factor)), term_(std::move(term)) {}

  void Forward(const Tape& /*tape*/, Lane& lane) const override {
    const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
    float* y = lane.x[static_cast<size_t>(output)].data();
    ForEachRun(broadcast_, [&](size_t j, size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) y[i] = x[i] * factor_[j] + term_[j];
    });
  }

  void Backward(const Tape& /*tape*/, Lane& lane) const override {
    if (flows[0] == Flow::kNone) return;
    const float* dy = lane.dx[static_cast<size_t>(output)].data();
    std::vector<float>& dx = lane.dx[static_cast<size_t>(inputs[0])];
    if (flows[0] == Flow::kWrite) std::fill(dx.begin(), dx.end(), 0.0F);
    ForEachRun(broadcast_, [&](size_t j, size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) dx[i] += dy[i] * factor_[j];
    });
  }

 private:
  Broadcast broadcast_;
  std::vector<float> factor_;
  std::vector<float> term_;
};

}  // namespace

std::unique_ptr<TapeNode> MakeActivation(const ActivationFunction& function) {
  return std::make_unique<ActivationNode>(function);
}

std::unique_ptr<TapeNode> MakeBinary(BinaryKind kind, const Broadcast& broadcast) {
  return std::make_unique<BinaryNode>(kind, broadcast);
}

std::unique_ptr<TapeNode> MakeChannelAffine(const Broadcast& broadcast, std::vector<float> factor,
                                            std::vector<float> term) {
  return std::make_unique<ChannelAffineNode>(broadcast, std::move(factor), std::move(term));
}

}  // namespace skiff::quant
