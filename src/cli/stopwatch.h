// Stopwatch: milliseconds since it was made. And what many of them say together.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

namespace skiff::cli {

class Stopwatch {
 public:
  [[nodiscard]] double Ms() const {
    return std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

// The value below which a share of the others lies, interpolated. REQUIRES: sorted, not empty.
inline double Percentile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return Percentile(values, 0.5);
}

}  // namespace skiff::cli
