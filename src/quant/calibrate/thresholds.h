// Thresholds: from the values that a tensor takes on calibration data to the range that its codes
// cover. The algorithms are those of PaddleSlim's quant_post_static, under its names.
//
// A threshold is the absolute value that stands for code 127. An Observer belongs to one tensor and
// one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/status.h"
#include "quant/cache.h"
#include "skiff/quantize.h"

namespace skiff::quant {

class Observer {
 public:
  virtual ~Observer() = default;
  // One batch, in the first of two passes over the data. Called only where TwoPasses().
  virtual void SeeRange(std::span<const float> x) { (void)x; }
  // One batch of `samples` equal parts. REQUIRES: x is not empty and finite.
  virtual void See(std::span<const float> x, int64_t samples) = 0;
  // After the last batch.
  [[nodiscard]] virtual double Threshold() const = 0;
  // What was seen so far, to go on from.
  virtual void Save(StateWriter* state) const = 0;
  virtual void Restore(StateReader* state) = 0;
};

// Algorithms of one name here share what they look at: one state gives the thresholds of each.
std::string_view StatisticsOf(CalibrationAlgorithm algorithm);

// Does the algorithm need to know the range before it can count?
bool TwoPasses(CalibrationAlgorithm algorithm);

// `hist_percent`: the share of the values that kHist keeps.
std::unique_ptr<Observer> NewObserver(CalibrationAlgorithm algorithm, double hist_percent);

// The symmetric grid of docs/numerics.md: the threshold is `codes` steps (127; 255 for what is
// never negative).
struct ActivationGrid {
  float threshold = 1;
  int codes = 127;
};

// What rounding on the grid adds to each value.
void RoundingErrors(std::span<const float> x, ActivationGrid grid, std::span<float> errors);
// The values that it makes of them.
void RoundToGrid(ActivationGrid grid, std::span<float> x);

// The largest |x|; NaN when a value is not finite.
float AbsMax(std::span<const float> x);

// The least and the largest x; zeros when there is none.
struct ValueRange {
  float least = 0;
  float most = 0;
  bool finite = true;  // all of them
};
ValueRange RangeOf(std::span<const float> x);

}  // namespace skiff::quant
