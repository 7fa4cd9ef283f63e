// ErrorSums: how far one tensor is from another, over any number of batches.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include "skiff/quantize_report.h"

namespace skiff::quant {

class ErrorSums {
 public:
  // REQUIRES: both of one size.
  void Add(std::span<const float> want, std::span<const float> got) {
    for (size_t i = 0; i < want.size(); ++i) {
      const double w = want[i];
      const double g = got[i];
      signal_ += w * w;
      other_ += g * g;
      product_ += w * g;
      noise_ += (w - g) * (w - g);
    }
  }
  [[nodiscard]] OutputError Error() const {
    OutputError error;
    error.sqnr_db =
        noise_ > 0 ? 10 * std::log10(signal_ / noise_) : std::numeric_limits<double>::infinity();
    const double norm = std::sqrt(signal_ * other_);
    error.cosine = norm > 0 ? product_ / norm : (noise_ > 0 ? 0 : 1);
    return error;
  }

 private:
  double signal_ = 0;
  double other_ = 0;
  double product_ = 0;
  double noise_ = 0;
};

}  // namespace skiff::quant
