#include "kernels/conv/conv_preadd.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace skiff::kernels {
namespace {

constexpr int kQuad = 4;

// How many other pairs are tried for one that is not safe, and how many such pairs of a layer may
// find nothing before the search is given up: some layers' weights are unsafe nearly everywhere.
constexpr int64_t kTries = 24;
constexpr int64_t kFailures = 16;

constexpr int kMaxLaneSum = INT16_MAX / 127;

// `first` and `second` are the two weights of each step that meet in one lane. Takes whole weights
// out of `second`, then `first`, until the lane is safe.
void MakeLaneSafe(int8_t* first, int8_t* second, int8_t* from_first, int8_t* from_second) {
  int8_t* weights[] = {second, second + 1, first, first + 1};
  int8_t* taken[] = {from_second, from_second + 1, from_first, from_first + 1};
  for (const int sign : {1, -1}) {
    int sum = 0;
    for (const int8_t* w : weights) sum += std::max(sign * *w, 0);
    for (int i = 0; i < 4 && sum > kMaxLaneSum; ++i) {
      if (sign * *weights[i] <= 0) continue;
      sum -= sign * *weights[i];
      *taken[i] = *weights[i];
      *weights[i] = 0;
    }
  }
}

// Is a lane of the two steps unsafe? Most steps have none, and this loop is made to be vectorised:
// it reads the two weights of a lane as the halves of an int16_t.
bool AnyUnsafe(const int8_t* first, const int8_t* second, size_t bytes) {
  int16_t worst = 0;
  for (size_t lane = 0; lane < bytes; lane += 2) {
    int16_t positive = 0;
    int16_t negative = 0;
    for (const int8_t* step : {first, second}) {
      int16_t pair;
      std::memcpy(&pair, step + lane, sizeof(pair));
      const auto low = static_cast<int16_t>(static_cast<int16_t>(pair << 8) >> 8);
      const auto high = static_cast<int16_t>(pair >> 8);
      positive =
          static_cast<int16_t>(positive + std::max<int16_t>(low, 0) + std::max<int16_t>(high, 0));
      negative =
          static_cast<int16_t>(negative + std::min<int16_t>(low, 0) + std::min<int16_t>(high, 0));
    }
    worst = std::max(worst, std::max(positive, static_cast<int16_t>(-negative)));
  }
  return worst > kMaxLaneSum;
}

}  // namespace

PreAddPairs::PreAddPairs(int64_t taps, int64_t steps, int64_t step_bytes)
    : taps_(taps), steps_(steps), step_bytes_(step_bytes) {
  made_.fixup_begin.push_back(0);
}

// Exchanges a step of `pair` with one of `other` if that leaves both safe.
bool PreAddPairs::Swaps(int8_t* weights, int32_t* order, int64_t pair, int64_t other) const {
  const auto step = [&](int64_t s) { return weights + s * step_bytes_; };
  const auto bytes = static_cast<size_t>(step_bytes_);
  const int64_t kept = 2 * pair;
  const int64_t moved = kept + 1;
  for (const int64_t taken : {2 * other, 2 * other + 1}) {
    const int64_t left = 4 * other + 1 - taken;  // the other one of `other`
    if (AnyUnsafe(step(kept), step(taken), bytes) || AnyUnsafe(step(moved), step(left), bytes)) {
      continue;
    }
    std::swap_ranges(step(moved), step(moved) + step_bytes_, step(taken));
    std::swap(order[moved], order[taken]);
    return true;
  }
  return false;
}

bool PreAddPairs::IsUnsafe(const int8_t* tap, int64_t pair) const {
  const int8_t* first = tap + 2 * pair * step_bytes_;
  return AnyUnsafe(first, first + step_bytes_, static_cast<size_t>(step_bytes_));
}

// Finds partners; what is left are pairs that may still be unsafe.
std::vector<int64_t> PreAddPairs::PairTap(int8_t* weights, int32_t* order) {
  const int64_t pairs = steps_ / 2;
  std::vector<int64_t> left;
  for (int64_t pair = 0; pair < pairs; ++pair) {
    if (!IsUnsafe(weights, pair)) continue;
    const bool hopeless = failures_ - successes_ >= kFailures;
    const int64_t tries = hopeless ? 0 : std::min(pairs - 1, kTries);
    int64_t i = 1;
    while (i <= tries && !Swaps(weights, order, pair, (pair + i) % pairs)) ++i;
    if (i > tries) left.push_back(pair);
    ++(i > tries ? failures_ : successes_);
  }
  return left;
}

void PreAddPairs::AddFixup(const std::vector<int8_t>& taken, ConvFixup fixup) {
  if (std::all_of(taken.begin(), taken.end(), [](int8_t w) { return w == 0; })) return;
  made_.fixups.push_back(fixup);
  fixup_weights_.insert(fixup_weights_.end(), taken.begin(), taken.end());
}

// Makes the two steps that start at `weights` safe.
void PreAddPairs::Repair(int8_t* weights, int32_t tap, const int32_t* offsets) {
  const auto bytes = static_cast<size_t>(step_bytes_);
  std::vector<int8_t> from_first(bytes);
  std::vector<int8_t> from_second(bytes);
  for (size_t lane = 0; lane < bytes; lane += 2) {
    MakeLaneSafe(weights + lane, weights + bytes + lane, &from_first[lane], &from_second[lane]);
  }
  AddFixup(from_first, {tap, offsets[0]});
  AddFixup(from_second, {tap, offsets[1]});
}

void PreAddPairs::AddPanel(int8_t* weights) {
  std::vector<int32_t> order(static_cast<size_t>(steps_));
  for (int64_t tap = 0; tap < taps_; ++tap, weights += steps_ * step_bytes_) {
    for (size_t s = 0; s < order.size(); ++s) order[s] = static_cast<int32_t>(s) * kQuad;
    for (const int64_t pair : PairTap(weights, order.data())) {
      if (!IsUnsafe(weights, pair)) continue;  // a later one took its step
      Repair(weights + 2 * pair * step_bytes_, static_cast<int32_t>(tap),
             &order[static_cast<size_t>(2 * pair)]);
    }
    reordered_ = reordered_ || !std::is_sorted(order.begin(), order.end());
    made_.order.insert(made_.order.end(), order.begin(), order.end());
  }
  made_.fixup_begin.push_back(static_cast<int64_t>(made_.fixups.size()));
}

PreAddedConv PreAddPairs::Finish() && {
  made_.order_tap = reordered_ ? steps_ : 0;
  if (!reordered_) made_.order.resize(static_cast<size_t>(steps_));
  made_.order.shrink_to_fit();
  made_.fixup_weights = AlignedBuffer::ForWeights(fixup_weights_.size());
  std::copy(fixup_weights_.begin(), fixup_weights_.end(), made_.fixup_weights.As<int8_t>());
  return std::move(made_);
}

}  // namespace skiff::kernels
