// The two rounding rules of Paddle's quantisers (docs/formats.md), one definition for every
// room.
#pragma once

#include <cmath>

namespace skiff {

enum class RoundMode {
  kHalfEven,  // round_type 0: quantize_linear, oneDNN
  kHalfAway,  // round_type 1: the default of all fake_* operators
};

// A float holding the rounded value; NaN stays NaN.
inline float Round(float x, RoundMode mode) {
  return mode == RoundMode::kHalfEven ? std::nearbyintf(x) : std::roundf(x);
}

}  // namespace skiff
