// SoftRounding: a weight between its two neighbouring codes, and the way to one of them
// (AdaRound, arXiv 2004.10568).
//
// code = floor(w / step) + h(a), h(a) = clamp(1.2 sigmoid(a) - 0.1, 0, 1); a starts where the soft
// weight is w. Gradients of the loss and of the regulariser 1 - |2h - 1|^beta move a, by Adam.
// Thread-safety: one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quant/weights.h"

namespace skiff::quant {

class SoftRounding {
 public:
  // `dims` are those of the weight. Codes of `weight` that are no neighbours of the float weight
  // stay what they are.
  SoftRounding(std::span<const float> values, std::span<const int64_t> dims,
               const QuantizedWeight& weight);

  // Elements [begin, end) of the weight as they are now.
  void Soften(size_t begin, size_t end, float* values) const;
  // One step of Adam on elements [begin, end); `gradient` is that of the soft weight.
  // `regulariser` is what an undecided element costs; `t` counts steps from 1.
  void Step(size_t begin, size_t end, const float* gradient, float regulariser, float beta,
            float learning_rate, int t);
  // The nearer neighbours.
  [[nodiscard]] std::vector<int8_t> Codes() const;
  // Codes as weights.
  void Harden(std::span<const int8_t> codes, float* values) const;
  [[nodiscard]] size_t size() const { return floor_.size(); }

 private:
  [[nodiscard]] float StepOf(size_t i) const { return steps_[i / inner_ % steps_.size()]; }

  std::vector<float> steps_;  // one, or one for each channel
  size_t inner_ = 1;          // elements between two channels
  std::vector<float> floor_;
  std::vector<float> a_;
  std::vector<float> mean_;      // Adam's, of the gradient
  std::vector<float> variance_;  // and of its square
};

}  // namespace skiff::quant
