#include "runtime/batch_split.h"

#include <algorithm>
#include <limits>

namespace skiff::runtime {
namespace {

// Costs are in bytes that come from memory instead of the second level, as they were seen on a
// Zen 4 of two cores. What comes from the third level is mostly there in time, and so are weights,
// which are fetched ahead in the order in which they lie, wherever they come from.
constexpr double kThirdLevel = 0.15;
constexpr double kWeightByte = 0.05;
// To call a step, about a microsecond.
constexpr double kCall = 8192;

double BytesOf(const StepTraffic& step) {
  return static_cast<double>(step.input_bytes + step.output_bytes);
}

}  // namespace

const std::vector<StepRange>& BatchSplitter::Split(std::span<const StepTraffic> steps,
                                                   const CacheSizes& caches, int threads) {
  steps_ = steps;
  near_ = 0.75 * static_cast<double>(caches.l2) * threads;
  far_ = 0.5 * static_cast<double>(caches.l3);
  threads_ = threads;
  ranges_.clear();
  parts_.assign(steps.size(), 1);
  const bool all_near = std::all_of(steps.begin(), steps.end(), [&](const StepTraffic& step) {
    return Distance(BytesOf(step)) == 0;
  });
  if (!all_near) {
    if (choices_.size() < steps.size()) choices_.resize(steps.size());
    for (size_t s = 0; s < steps.size(); ++s) FindChoices(s);
    ReadCheapest();
  }
  for (size_t s = 0; s < steps.size(); ++s) {
    if (s == 0 || !Continues(s, parts_[s - 1], parts_[s])) ranges_.push_back({s, s, parts_[s]});
    ranges_.back().end = s + 1;
  }
  return ranges_;
}

void BatchSplitter::FindChoices(size_t step) {
  const StepTraffic& traffic = steps_[step];
  std::vector<Choice>& choices = choices_[step];
  choices.clear();
  // An image that is left alone occupies all threads, at its edges less well than several do.
  const int64_t most = std::max<int64_t>(traffic.images / threads_, 1);
  for (int64_t parts = 1; parts <= most; ++parts) {
    if (traffic.images % parts != 0) continue;
    Choice choice = {.parts = parts};
    if (step > 0) {
      const std::vector<Choice>& before = choices_[step - 1];
      choice.cost = std::numeric_limits<double>::infinity();
      for (size_t k = 0; k < before.size(); ++k) {
        const double moved = Continues(step, before[k].parts, parts) ? 0 : HandOver(step);
        if (before[k].cost + moved >= choice.cost) continue;
        choice.cost = before[k].cost + moved;
        choice.before = k;
      }
    }
    choice.cost += CostOf(traffic, parts);
    choices.push_back(choice);
  }
}

void BatchSplitter::ReadCheapest() {
  const std::vector<Choice>& last = choices_[steps_.size() - 1];
  const auto least = std::min_element(
      last.begin(), last.end(), [](const Choice& a, const Choice& b) { return a.cost < b.cost; });
  auto at = static_cast<size_t>(least - last.begin());
  for (size_t s = steps_.size(); s-- > 0;) {
    parts_[s] = choices_[s][at].parts;
    at = choices_[s][at].before;
  }
}

// Are a step and the one before in one range?
bool BatchSplitter::Continues(size_t step, int64_t parts_before, int64_t parts) const {
  return parts_before == parts && (parts == 1 || steps_[step - 1].images == steps_[step].images);
}

// How far away from the second level data lie of which so much is used before it is used again.
double BatchSplitter::Distance(double bytes) const {
  return kThirdLevel * std::clamp((bytes - near_) / near_, 0.0, 1.0) +
         std::clamp((bytes - far_) / far_, 0.0, 1.0);
}

double BatchSplitter::CostOf(const StepTraffic& step, int64_t parts) const {
  const double bytes = BytesOf(step);
  const auto times = static_cast<double>(parts);
  return bytes * Distance(bytes / times) +
         times * (kWeightByte * static_cast<double>(step.weight_bytes) + kCall * threads_);
}

// What a step reads was written as a whole: there and back again.
double BatchSplitter::HandOver(size_t step) const {
  const auto bytes = static_cast<double>(steps_[step].input_bytes);
  return 2 * bytes * Distance(bytes) + kCall;
}

}  // namespace skiff::runtime
