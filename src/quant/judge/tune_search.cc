#include "quant/judge/tune_search.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace skiff::quant {
namespace {

constexpr double kWidth = 0.25;   // of the first steps along an axis
constexpr double kNarrows = 6;    // so many trials later it is 0.7 of that
constexpr double kRedraw = 0.25;  // how often a choice is made anew

// The same numbers with every standard library, which its distributions do not promise.
class Random {
 public:
  explicit Random(uint64_t seed) : bits_(seed) {}
  double Uniform() { return static_cast<double>(bits_() >> 11) * 0x1p-53; }
  size_t Below(size_t n) { return std::min(static_cast<size_t>(Uniform() * n), n - 1); }
  double Normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }
  double Any(int choices) {
    return choices == 0 ? Uniform() : static_cast<double>(Below(static_cast<size_t>(choices)));
  }

 private:
  std::mt19937_64 bits_;
};

Point Near(const Space& space, const Point& good, double width, Random* random) {
  Point point = good;
  for (size_t axis = 0; axis < space.size(); ++axis) {
    if (space[axis] == 0) {
      point[axis] = std::clamp(good[axis] + width * random->Normal(), 0.0, 1.0);
    } else if (random->Uniform() < kRedraw) {
      point[axis] = random->Any(space[axis]);
    }
  }
  return point;
}

}  // namespace

Point Propose(const Space& space, std::span<const Tried> tried, size_t random_trials,
              uint64_t seed) {
  Random random(seed * 0x9e3779b97f4a7c15ULL + tried.size());
  if (tried.size() < random_trials || tried.size() < 2) {
    Point point;
    for (int choices : space) point.push_back(random.Any(choices));
    return point;
  }
  std::vector<const Tried*> sorted;
  for (const Tried& trial : tried) sorted.push_back(&trial);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Tried* a, const Tried* b) { return a->loss < b->loss; });
  const auto count = static_cast<double>(tried.size());
  const auto good = static_cast<size_t>(std::ceil(std::sqrt(count) / 2));
  const double learned = count - static_cast<double>(std::min(random_trials, tried.size()));
  return Near(space, sorted[random.Below(good)]->point, kWidth / std::sqrt(1 + learned / kNarrows),
              &random);
}

}  // namespace skiff::quant
