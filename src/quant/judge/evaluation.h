// Evaluation: the labels that a model gives to data whose labels are known.
// Used by one thread; options and progress must outlive it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// Which batches: all, or every second one from the first or from the second on.
enum class Half { kAll, kEven, kOdd };

// The labels that a model gives, by sample; -1 for those of the other half.
using Labels = std::vector<int64_t>;

class Evaluation {
 public:
  // REQUIRES: options.evaluation, as CheckOptions wants it.
  Evaluation(const QuantizeOptions& options, const QuantizeProgress& progress)
      : options_(options), progress_(progress) {}

  // Errors: the output is no row of scores, or a label is none of its classes.
  Result<Labels> Predict(const program::Program& program, Precision precision, Half half,
                         std::string_view stage) const;
  // Of the samples that both have a label for.
  [[nodiscard]] AccuracyFigures Compare(const Labels& fp32, const Labels& int8) const;

 private:
  [[nodiscard]] int64_t per_batch() const;
  Status AddLabels(const TensorView& output, Labels* labels) const;

  const QuantizeOptions& options_;
  const QuantizeProgress& progress_;
};

}  // namespace skiff::quant
