// OutputComparison: how the first output of one model differs from that of another.
// Used by one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quant/judge/error_sums.h"
#include "skiff/quantize_report.h"
#include "skiff/session_types.h"

namespace skiff::quant {

// [N, C] or [N, C, 1, 1]: a row of scores for each sample.
bool HasScores(std::span<const int64_t> dims);

// The index of the largest score; of equal ones the first.
int64_t Top(std::span<const float> scores);

// Kullback-Leibler divergence of `got` from `want`, in nats. Rows that are no probabilities go
// through softmax first.
double Divergence(std::span<const float> want, std::span<const float> got);

class OutputComparison {
 public:
  // Outputs of one shape.
  void Add(std::span<const int64_t> dims, std::span<const float> want, std::span<const float> got);
  [[nodiscard]] OutputFigures Figures() const;
  // The mean over the samples of the root mean square difference of both outputs, each brought to
  // mean 0 and deviation 1.
  [[nodiscard]] double Distance() const;

 private:
  int64_t samples_ = 0;
  int64_t alike_ = 0;
  double divergence_ = 0;
  double distance_ = 0;
  bool classifier_ = true;
  ErrorSums sums_;
};

// Why a model with such an output is not fit for use; empty: nothing speaks against it. So few
// samples that a single one could decide never condemn.
std::string WhyRuined(const OutputFigures& output);

}  // namespace skiff::quant
