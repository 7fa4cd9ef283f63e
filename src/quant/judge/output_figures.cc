#include "quant/judge/output_figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace skiff::quant {
namespace {

// A model beyond one of these has lost what it was trained for: good ones keep 95 of 100 labels
// with a divergence below 0.05, and a cosine above 0.99.
constexpr double kRuinedAgreement = 0.85;
constexpr double kRuinedDivergence = 0.25;
constexpr double kRuinedCosine = 0.95;
constexpr int64_t kFewestChanged = 3;

std::vector<double> Probabilities(std::span<const float> row) {
  std::vector<double> p(row.begin(), row.end());
  double sum = 0;
  bool negative = false;
  for (double v : p) {
    sum += v;
    negative |= v < 0;
  }
  if (!negative && std::fabs(sum - 1) < 1e-2) return p;
  const double largest = *std::max_element(p.begin(), p.end());
  sum = 0;
  for (double& v : p) sum += v = std::exp(v - largest);
  for (double& v : p) v /= sum;
  return p;
}

struct Standard {
  double mean = 0;
  double deviation = 1;
};

Standard StandardOf(std::span<const float> x) {
  double sum = 0;
  double squares = 0;
  for (float v : x) {
    sum += v;
    squares += static_cast<double>(v) * v;
  }
  const auto n = static_cast<double>(x.size());
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(squares / n - mean * mean, 1e-24))};
}

double StandardisedDistance(std::span<const float> want, std::span<const float> got) {
  const Standard a = StandardOf(want);
  const Standard b = StandardOf(got);
  double sum = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double d = (want[i] - a.mean) / a.deviation - (got[i] - b.mean) / b.deviation;
    sum += d * d;
  }
  return std::sqrt(sum / static_cast<double>(want.size()));
}

}  // namespace

bool HasScores(std::span<const int64_t> dims) {
  if (dims.size() < 2 || dims[1] < 2) return false;
  return std::all_of(dims.begin() + 2, dims.end(), [](int64_t d) { return d == 1; });
}

int64_t Top(std::span<const float> scores) {
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

double Divergence(std::span<const float> want, std::span<const float> got) {
  // The least probability that counts: a softmax in float32 gives plain zeros.
  constexpr double kLeast = 1e-9;
  const std::vector<double> p = Probabilities(want);
  const std::vector<double> q = Probabilities(got);
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] > kLeast) sum += p[i] * std::log(p[i] / std::max(q[i], kLeast));
  }
  return std::max(sum, 0.0);
}

void OutputComparison::Add(std::span<const int64_t> dims, std::span<const float> want,
                           std::span<const float> got) {
  sums_.Add(want, got);
  const int64_t samples = dims.empty() ? 1 : dims[0];
  samples_ += samples;
  classifier_ &= HasScores(dims);
  if (samples < 1) return;
  const size_t size = want.size() / static_cast<size_t>(samples);
  for (size_t at = 0; at < want.size(); at += size) {
    const auto a = want.subspan(at, size);
    const auto b = got.subspan(at, size);
    distance_ += StandardisedDistance(a, b);
    if (!classifier_) continue;
    alike_ += Top(a) == Top(b) ? 1 : 0;
    divergence_ += Divergence(a, b);
  }
}

OutputFigures OutputComparison::Figures() const {
  OutputFigures figures;
  figures.samples = samples_;
  figures.error = sums_.Error();
  figures.classifier = classifier_ && samples_ > 0;
  if (!figures.classifier) return figures;
  figures.agreement = static_cast<double>(alike_) / static_cast<double>(samples_);
  figures.divergence = divergence_ / static_cast<double>(samples_);
  return figures;
}

double OutputComparison::Distance() const {
  return samples_ > 0 ? distance_ / static_cast<double>(samples_) : 0;
}

std::string WhyRuined(const OutputFigures& output) {
  std::array<char, 256> text{};
  const auto changed = static_cast<int64_t>(
      std::llround((1 - output.agreement) * static_cast<double>(output.samples)));
  if (output.classifier) {
    const bool alike =
        output.agreement >= kRuinedAgreement && output.divergence < kRuinedDivergence;
    if (alike || changed < kFewestChanged) return "";
    std::snprintf(text.data(), text.size(),
                  "quantised, the model gives another label than in float on %lld of %lld samples "
                  "of the calibration data (mean divergence %.3g nats)",
                  static_cast<long long>(changed), static_cast<long long>(output.samples),
                  output.divergence);
    return text.data();
  }
  if (output.samples == 0 || output.error.cosine >= kRuinedCosine) return "";
  std::snprintf(text.data(), text.size(),
                "quantised, the model's output has a cosine of only %.4f with float's on the "
                "calibration data (%.1f dB of signal to noise)",
                output.error.cosine, output.error.sqnr_db);
  return text.data();
}

}  // namespace skiff::quant
