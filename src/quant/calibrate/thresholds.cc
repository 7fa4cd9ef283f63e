#include "quant/calibrate/thresholds.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace skiff::quant {
namespace {

constexpr float kMaxCode = 127;

// Half to even, for |x| < 2^22: baseline x86-64 has no rounding instruction to vectorise with.
inline float RoundEven(float x) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23
  return (x + kShift) - kShift;
}

// What the four algorithms that look at magnitudes need to know of all data: the largest |x|, the
// mean over batches of the mean of the samples' largest ones, and 2048 equal bins from the smallest
// to the largest |x|.
class StatisticsObserver final : public Observer {
 public:
  StatisticsObserver(CalibrationAlgorithm algorithm, double hist_percent)
      : algorithm_(algorithm), percent_(hist_percent) {}

  void SeeRange(std::span<const float> x) override {
    for (float v : x) {
      state_.low = std::min(state_.low, std::fabs(v));
      state_.high = std::max(state_.high, std::fabs(v));
    }
  }

  void See(std::span<const float> x, int64_t samples) override {
    // All values alike: Paddle's histogram of an empty range is half a unit wide to each side.
    const bool flat = !(state_.low < state_.high);
    const double low = flat ? state_.low - 0.5 : state_.low;
    const double scale = flat ? static_cast<double>(kBins) : 1.0 / width();
    for (float v : x) {
      const auto bin = static_cast<size_t>((std::fabs(v) - low) * scale);
      ++state_.bins[std::min(bin, kBins - 1)];
    }
    state_.total += static_cast<int64_t>(x.size());
    const auto count = static_cast<size_t>(samples);
    const size_t size = x.size() / count;
    double sum = 0;
    for (size_t i = 0; i < count; ++i) sum += AbsMax(x.subspan(i * size, size));
    state_.sum += sum / static_cast<double>(count);
    ++state_.batches;
  }

  [[nodiscard]] double Threshold() const override {
    switch (algorithm_) {
      case CalibrationAlgorithm::kAbsMax:
      case CalibrationAlgorithm::kMinMax: return state_.high;
      case CalibrationAlgorithm::kAvg:
        return state_.batches > 0 ? state_.sum / static_cast<double>(state_.batches) : 0;
      case CalibrationAlgorithm::kKl: return KlThreshold();
      default: return PercentThreshold();
    }
  }

  void Save(StateWriter* state) const override { state->Put(state_); }
  void Restore(StateReader* state) override { state_ = state->Get<State>(); }

 private:
  static constexpr size_t kBins = 2048;
  static constexpr size_t kLevels = 127;

  struct State {
    float low = std::numeric_limits<float>::max();
    float high = 0;
    std::array<int64_t, kBins> bins{};
    int64_t total = 0;
    double sum = 0;
    int64_t batches = 0;
  };

  [[nodiscard]] double width() const {
    return state_.low < state_.high ? (static_cast<double>(state_.high) - state_.low) / kBins
                                    : 1.0 / kBins;
  }
  // The middle of bin i; as in Paddle the low end of the range is not added back.
  [[nodiscard]] double Middle(size_t i) const { return (static_cast<double>(i) + 0.5) * width(); }

  // |x| below which lie percent_ of all values.
  [[nodiscard]] double PercentThreshold() const {
    double share = 0;
    for (size_t i = 0; i < kBins; ++i) {
      share += static_cast<double>(state_.bins[i]) / static_cast<double>(state_.total);
      if (share >= percent_) return Middle(i);
    }
    return Middle(kBins - 1);
  }

  // The range whose 127 levels lose the least information (Kullback-Leibler divergence).
  [[nodiscard]] double KlThreshold() const {
    constexpr size_t kFirst = (kBins - 1) / 2;
    size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = kFirst; i < kBins; ++i) {
      if (state_.bins[i - 1] == 0) continue;
      const double divergence = Divergence(i);
      if (!(divergence < least)) continue;
      least = divergence;
      best = i;
    }
    if (best == 0) {
      for (best = kFirst; best > 0 && state_.bins[best] == 0;) --best;
    }
    return Middle(best);
  }

  // Between the first `size` bins, with all that lies above added to the last of them, and the same
  // bins on 127 levels.
  [[nodiscard]] double Divergence(size_t size) const {
    int64_t above = 0;
    for (size_t i = size; i < kBins; ++i) above += state_.bins[i];
    const auto p = [&](size_t i) {
      return static_cast<double>(state_.bins[i] + (i + 1 == size ? above : 0));
    };
    const size_t group = size / kLevels;
    const double q_total = static_cast<double>(state_.total - above);
    const auto p_total = static_cast<double>(state_.total);
    double sum = 0;
    for (size_t level = 0; level < kLevels; ++level) {
      const size_t begin = level * group;
      const size_t end = level + 1 < kLevels ? begin + group : size;
      int64_t count = 0;
      int64_t filled = 0;
      for (size_t i = begin; i < end; ++i) {
        count += state_.bins[i];
        filled += p(i) > 0;
      }
      if (filled == 0) continue;
      const double q = static_cast<double>(count) / static_cast<double>(filled);
      for (size_t i = begin; i < end; ++i) {
        if (p(i) > 0) sum += p(i) * (std::log(q_total * p(i)) - std::log(p_total * q));
      }
    }
    return sum / p_total;
  }

  CalibrationAlgorithm algorithm_;
  double percent_;
  State state_;
};

// Rounding on a grid and back.
class Rounder {
 public:
  Rounder(float threshold, float lowest, float highest)
      : codes_per_unit_(highest / threshold),
        step_(threshold / highest),
        lowest_(lowest),
        highest_(highest) {}
  explicit Rounder(ActivationGrid grid)
      : Rounder(grid.threshold, -static_cast<float>(grid.codes), static_cast<float>(grid.codes)) {}
  float operator()(float x) const {
    const float code = x * codes_per_unit_;
    const float low = code > lowest_ ? code : lowest_;
    return RoundEven(low < highest_ ? low : highest_) * step_;
  }

 private:
  float codes_per_unit_;
  float step_;
  float lowest_;
  float highest_;
};
// Of quantize_linear.
Rounder PaddleRounder(float threshold) { return {threshold, -128, kMaxCode}; }

double MeanSquareError(std::span<const float> x, float threshold) {
  // Short sums in float, side by side, so that the loops become vector code.
  constexpr size_t kLanes = 8;
  constexpr size_t kBlock = 64 * kLanes;
  const Rounder round_trip = PaddleRounder(threshold);
  std::array<float, kBlock> errors;
  double sum = 0;
  for (size_t i = 0; i < x.size(); i += kBlock) {
    const size_t count = std::min(kBlock, x.size() - i);
    const float* from = x.data() + i;
    for (size_t k = 0; k < count; ++k) errors[k] = from[k] - round_trip(from[k]);
    std::fill(errors.begin() + static_cast<int64_t>(count), errors.end(), 0.0F);
    std::array<float, kLanes> part{};
    for (size_t k = 0; k < kBlock; k += kLanes) {
      for (size_t l = 0; l < kLanes; ++l) part[l] += errors[k + l] * errors[k + l];
    }
    for (float value : part) sum += value;
  }
  return sum / static_cast<double>(x.size());
}

struct Moments {
  double mean = 0;
  double deviation = 0;  // of the population
};

template <typename Map>
Moments MomentsOf(std::span<const float> x, const Map& map) {
  const auto n = static_cast<double>(x.size());
  Moments m;
  for (float v : x) m.mean += map(v);
  m.mean /= n;
  double sum = 0;
  for (float v : x) sum += (map(v) - m.mean) * (map(v) - m.mean);
  m.deviation = std::sqrt(sum / n);
  return m;
}

// 35 shares of each batch's largest value are tried; the best of all batches wins.
class SearchObserver : public Observer {
 public:
  void See(std::span<const float> x, int64_t) override {
    const float max = AbsMax(x);
    const double m = max > 0 ? max : 1e-8;
    // Steps as Paddle takes them, in double: 1.00 is just missed.
    for (double share = 0.3; share <= 1.0; share += 0.02) {
      const double threshold = share * m;
      const double loss = Loss(x, static_cast<float>(threshold));
      if (!(loss <= least_)) continue;
      least_ = loss;
      best_ = threshold;
    }
  }
  [[nodiscard]] double Threshold() const override { return best_; }
  void Save(StateWriter* state) const override {
    state->Put(least_);
    state->Put(best_);
  }
  void Restore(StateReader* state) override {
    least_ = state->Get<double>();
    best_ = state->Get<double>();
  }

 protected:
  [[nodiscard]] virtual double Loss(std::span<const float> x, float threshold) const = 0;

 private:
  double least_ = std::numeric_limits<double>::infinity();
  double best_ = 0;
};

class MseObserver final : public SearchObserver {
  [[nodiscard]] double Loss(std::span<const float> x, float threshold) const override {
    return MeanSquareError(x, threshold);
  }
};

class EmdObserver final : public SearchObserver {
  [[nodiscard]] double Loss(std::span<const float> x, float threshold) const override {
    const Moments a = MomentsOf(x, [](float v) { return static_cast<double>(v); });
    const Rounder round_trip = PaddleRounder(threshold);
    const Moments b = MomentsOf(x, [&](float v) { return static_cast<double>(round_trip(v)); });
    return std::fabs(a.mean - b.mean) + std::fabs(a.deviation - b.deviation);
  }
};

// Power-of-two factor: the largest value divided by 8, 4, 2 or 1, whichever loses least. The last
// batch decides.
class PtfObserver final : public Observer {
 public:
  void See(std::span<const float> x, int64_t) override {
    const double step = static_cast<double>(AbsMax(x)) / kMaxCode;
    double least = std::numeric_limits<double>::infinity();
    for (double divisor : {8.0, 4.0, 2.0, 1.0}) {
      const auto s = static_cast<float>(step / divisor);
      double loss = 0;
      for (float v : x) {
        const float code =
            s > 0 ? std::min(std::max(RoundEven(std::min(v / s, 1e6F)), 0.0F), kMaxCode) : 0;
        loss += static_cast<double>(v - code * s) * (v - code * s);
      }
      if (!(loss < least)) continue;
      least = loss;
      threshold_ = kMaxCode * step / divisor;
    }
  }
  [[nodiscard]] double Threshold() const override { return threshold_; }
  void Save(StateWriter* state) const override { state->Put(threshold_); }
  void Restore(StateReader* state) override { threshold_ = state->Get<double>(); }

 private:
  double threshold_ = 0;
};

}  // namespace

float AbsMax(std::span<const float> x) {
  float max = 0;
  float rest = 0;  // NaN as soon as one value is infinite or NaN
  for (float v : x) {
    max = std::max(max, std::fabs(v));
    rest += v * 0.0F;
  }
  return max + rest;
}

ValueRange RangeOf(std::span<const float> x) {
  ValueRange range;
  if (x.empty()) return range;
  range.least = range.most = x[0];
  float rest = 0;  // NaN as soon as one value is infinite or NaN
  for (float v : x) {
    range.least = std::min(range.least, v);
    range.most = std::max(range.most, v);
    rest += v * 0.0F;
  }
  range.finite = rest == 0.0F;
  return range;
}

void RoundingErrors(std::span<const float> x, ActivationGrid grid, std::span<float> errors) {
  const Rounder round(grid);
  for (size_t i = 0; i < x.size(); ++i) errors[i] = round(x[i]) - x[i];
}

void RoundToGrid(ActivationGrid grid, std::span<float> x) {
  const Rounder round(grid);
  for (float& v : x) v = round(v);
}

std::string_view StatisticsOf(CalibrationAlgorithm algorithm) {
  switch (algorithm) {
    case CalibrationAlgorithm::kMse:
    case CalibrationAlgorithm::kEmd:
    case CalibrationAlgorithm::kPtf: return Name(algorithm);
    default: return "magnitudes";
  }
}

bool TwoPasses(CalibrationAlgorithm algorithm) { return StatisticsOf(algorithm) == "magnitudes"; }

std::unique_ptr<Observer> NewObserver(CalibrationAlgorithm algorithm, double hist_percent) {
  switch (algorithm) {
    case CalibrationAlgorithm::kMse: return std::make_unique<MseObserver>();
    case CalibrationAlgorithm::kEmd: return std::make_unique<EmdObserver>();
    case CalibrationAlgorithm::kPtf: return std::make_unique<PtfObserver>();
    default: return std::make_unique<StatisticsObserver>(algorithm, hist_percent);
  }
}

}  // namespace skiff::quant
