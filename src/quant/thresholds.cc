#include "quant/thresholds.h"

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

class AbsMaxObserver final : public Observer {
 public:
  void See(std::span<const float> x, int64_t) override { max_ = std::max(max_, AbsMax(x)); }
  [[nodiscard]] double Threshold() const override { return max_; }

 private:
  float max_ = 0;
};

// The mean, over all batches, of the mean of the samples' largest values.
class AverageObserver final : public Observer {
 public:
  void See(std::span<const float> x, int64_t samples) override {
    const auto count = static_cast<size_t>(samples);
    const size_t size = x.size() / count;
    double sum = 0;
    for (size_t i = 0; i < count; ++i) sum += AbsMax(x.subspan(i * size, size));
    sum_ += sum / static_cast<double>(count);
    ++batches_;
  }
  [[nodiscard]] double Threshold() const override { return batches_ > 0 ? sum_ / batches_ : 0; }

 private:
  double sum_ = 0;
  int64_t batches_ = 0;
};

// 2048 equal bins from the smallest to the largest |x| of all data.
class HistogramObserver : public Observer {
 public:
  static constexpr size_t kBins = 2048;

  void SeeRange(std::span<const float> x) override {
    for (float v : x) {
      low_ = std::min(low_, std::fabs(v));
      high_ = std::max(high_, std::fabs(v));
    }
  }

  void See(std::span<const float> x, int64_t) override {
    // All values alike: Paddle's histogram of an empty range is half a unit wide to each side.
    const double low = low_ < high_ ? low_ : low_ - 0.5;
    const double scale = low_ < high_ ? 1.0 / width() : static_cast<double>(kBins);
    for (float v : x) {
      const auto bin = static_cast<size_t>((std::fabs(v) - low) * scale);
      ++bins_[std::min(bin, kBins - 1)];
    }
    total_ += static_cast<int64_t>(x.size());
  }

 protected:
  [[nodiscard]] double width() const {
    return low_ < high_ ? (static_cast<double>(high_) - low_) / kBins : 1.0 / kBins;
  }
  // The middle of bin i; as in Paddle the low end of the range is not added back.
  [[nodiscard]] double Middle(size_t i) const { return (static_cast<double>(i) + 0.5) * width(); }

  float low_ = std::numeric_limits<float>::max();
  float high_ = 0;
  std::array<int64_t, kBins> bins_{};
  int64_t total_ = 0;
};

class PercentObserver final : public HistogramObserver {
 public:
  explicit PercentObserver(double percent) : percent_(percent) {}

  [[nodiscard]] double Threshold() const override {
    double share = 0;
    for (size_t i = 0; i < kBins; ++i) {
      share += static_cast<double>(bins_[i]) / static_cast<double>(total_);
      if (share >= percent_) return Middle(i);
    }
    return Middle(kBins - 1);
  }

 private:
  double percent_;
};

// The range whose 127 levels lose the least information (Kullback-Leibler divergence).
class KlObserver final : public HistogramObserver {
 public:
  [[nodiscard]] double Threshold() const override {
    constexpr size_t kFirst = (kBins - 1) / 2;
    size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = kFirst; i < kBins; ++i) {
      if (bins_[i - 1] == 0) continue;
      const double divergence = Divergence(i);
      if (!(divergence < least)) continue;
      least = divergence;
      best = i;
    }
    if (best == 0) {
      for (best = kFirst; best > 0 && bins_[best] == 0;) --best;
    }
    return Middle(best);
  }

 private:
  static constexpr size_t kLevels = 127;

  // Between the first `size` bins, with all that lies above added to the last of them, and the same
  // bins on 127 levels.
  [[nodiscard]] double Divergence(size_t size) const {
    int64_t above = 0;
    for (size_t i = size; i < kBins; ++i) above += bins_[i];
    const auto p = [&](size_t i) {
      return static_cast<double>(bins_[i] + (i + 1 == size ? above : 0));
    };
    const size_t group = size / kLevels;
    const double q_total = static_cast<double>(total_ - above);
    const auto p_total = static_cast<double>(total_);
    double sum = 0;
    for (size_t level = 0; level < kLevels; ++level) {
      const size_t begin = level * group;
      const size_t end = level + 1 < kLevels ? begin + group : size;
      int64_t count = 0;
      int64_t filled = 0;
      for (size_t i = begin; i < end; ++i) {
        count += bins_[i];
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
};

// Rounding on the grid of a threshold and back; codes -128..127.
struct RoundTrip {
  explicit RoundTrip(float threshold)
      : codes_per_unit(kMaxCode / threshold), step(threshold / kMaxCode) {}
  float operator()(float x) const {
    const float code = x * codes_per_unit;
    const float low = code > -128.0F ? code : -128.0F;
    return RoundEven(low < kMaxCode ? low : kMaxCode) * step;
  }
  float codes_per_unit;
  float step;
};

double MeanSquareError(std::span<const float> x, float threshold) {
  // Short sums in float, side by side, so that the loops become vector code.
  constexpr size_t kLanes = 8;
  constexpr size_t kBlock = 64 * kLanes;
  const RoundTrip round_trip(threshold);
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
    const RoundTrip round_trip(threshold);
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

bool TwoPasses(CalibrationAlgorithm algorithm) {
  return algorithm == CalibrationAlgorithm::kHist || algorithm == CalibrationAlgorithm::kKl;
}

std::unique_ptr<Observer> NewObserver(CalibrationAlgorithm algorithm, double hist_percent) {
  switch (algorithm) {
    case CalibrationAlgorithm::kAbsMax: return std::make_unique<AbsMaxObserver>();
    case CalibrationAlgorithm::kAvg: return std::make_unique<AverageObserver>();
    case CalibrationAlgorithm::kHist: return std::make_unique<PercentObserver>(hist_percent);
    case CalibrationAlgorithm::kKl: return std::make_unique<KlObserver>();
    case CalibrationAlgorithm::kMse: return std::make_unique<MseObserver>();
    case CalibrationAlgorithm::kEmd: return std::make_unique<EmdObserver>();
    case CalibrationAlgorithm::kPtf: return std::make_unique<PtfObserver>();
  }
  return nullptr;
}

}  // namespace skiff::quant
