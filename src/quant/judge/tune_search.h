// An evolutionary search over a unit cube: proposes where to try next, by varying one of the best
// that were tried, less and less as trials go on. Deterministic: a proposal follows from the seed
// and the trials before it alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace skiff::quant {

// 0: a number in [0, 1]; else a choice of so many, whose number is a double too.
using Space = std::vector<int>;
using Point = std::vector<double>;

struct Tried {
  Point point;
  double loss = 0;
};

// The first `random` proposals are uniform.
Point Propose(const Space& space, std::span<const Tried> tried, size_t random, uint64_t seed);

}  // namespace skiff::quant
