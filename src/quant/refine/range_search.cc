#include "quant/refine/range_search.h"

#include <algorithm>
#include <cmath>

#include "onednn/gemm.h"
#include "quant/calibrate/thresholds.h"

namespace skiff::quant {
namespace {

constexpr int kCandidates = 20;
constexpr double kRatio = 0.93;  // of one candidate to the one before

// The power of a reader's outputs for patches `rows`, summed over outputs, per row.
class OutputPower {
 public:
  OutputPower(const ReaderSample& reader, int threads)
      : reader_(reader),
        threads_(threads),
        outputs_(static_cast<size_t>(reader.count * reader.patches->channels())) {}

  Result<double> Of(const std::vector<float>& rows) {
    const Patches& p = *reader_.patches;
    for (int64_t g = 0; g < p.groups(); ++g) {
      const float* from = rows.data() + g * p.length();
      const float* matrix = reader_.matrix.data() + g * p.outputs() * p.length();
      float* to = outputs_.data() + g * p.outputs();
      if (p.outputs() == 1) {
        Dot(from, matrix, to);
        continue;
      }
      onednn::GemmSpec spec{.m = reader_.count, .n = p.outputs(), .k = p.length()};
      spec.transpose_b = true;
      spec.lda = p.groups() * p.length();
      spec.ldb = p.length();
      spec.ldc = p.channels();
      SKIFF_RETURN_IF_ERROR(onednn::Gemm(spec, from, matrix, to, threads_));
    }
    return Power();
  }

 private:
  void Dot(const float* rows, const float* weight, float* to) const {
    const Patches& p = *reader_.patches;
    for (int64_t r = 0; r < reader_.count; ++r) {
      const float* row = rows + r * p.groups() * p.length();
      float sum = 0;
      for (int64_t k = 0; k < p.length(); ++k) sum += row[k] * weight[k];
      to[r * p.channels()] = sum;
    }
  }

  [[nodiscard]] double Power() const {
    const auto channels = static_cast<size_t>(reader_.patches->channels());
    std::vector<double> mean(channels);
    double squares = 0;
    for (int64_t r = 0; r < reader_.count; ++r) {
      const float* row = outputs_.data() + static_cast<size_t>(r) * channels;
      for (size_t c = 0; c < channels; ++c) {
        mean[c] += row[c];
        squares += static_cast<double>(row[c]) * row[c];
      }
    }
    const auto n = static_cast<double>(reader_.count);
    double power = squares / n;
    if (reader_.mean_is_free) {
      for (double sum : mean) power -= sum / n * (sum / n);
    }
    return std::max(power, 0.0);
  }

  const ReaderSample& reader_;
  int threads_;
  std::vector<float> outputs_;  // [count, channels]
};

}  // namespace

Result<double> SearchThreshold(std::span<const ReaderSample> readers, double largest, int codes,
                               int threads) {
  std::vector<double> loss(kCandidates);
  for (const ReaderSample& reader : readers) {
    OutputPower power(reader, threads);
    SKIFF_ASSIGN_OR_RETURN(const double whole, power.Of(reader.rows));
    if (!(whole > 0)) continue;
    std::vector<float> errors(reader.rows.size());
    double threshold = largest;
    for (double& sum : loss) {
      RoundingErrors(reader.rows, {static_cast<float>(threshold), codes}, errors);
      SKIFF_ASSIGN_OR_RETURN(const double lost, power.Of(errors));
      sum += lost / whole;
      threshold *= kRatio;
    }
  }
  const auto best = std::min_element(loss.begin(), loss.end()) - loss.begin();
  return largest * std::pow(kRatio, static_cast<double>(best));
}

}  // namespace skiff::quant
