#include "quant/reconstruct/train.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "quant/reconstruct/drops.h"

namespace skiff::quant {
namespace {

// Samples of a batch are dealt to so many lanes, each summed in its own order, whatever the number
// of threads: sums do not depend on it.
constexpr size_t kLanes = 4;
// Of the iterations, the first share without the regulariser; then its exponent falls.
constexpr double kWarmUp = 0.2;
constexpr double kFirstBeta = 20;
constexpr double kLastBeta = 2;
// Every so manyth sample judges what was learned on the others; fewer than twice as many do both.
constexpr int64_t kJudgedOf = 4;
// Elements of a weight that one task treats.
constexpr size_t kTask = 1 << 14;

// Pictures of a block of larger area show enough places with fewer of them in a batch.
constexpr int64_t kFullBatchArea = 28 * 28;

int BatchSize(const Dims& output, int most) {
  const int64_t area =
      std::max<int64_t>(output.Product(std::min(2, output.rank()), output.rank()), 1);
  const auto enough = static_cast<int>(most * kFullBatchArea / area);
  return std::min(most, std::max(enough, static_cast<int>(kLanes)));
}

// Half a cosine from 1 to 0.
double Cosine(double share) { return 0.5 * (1 + std::cos(share * std::numbers::pi)); }

}  // namespace

BlockTrainer::BlockTrainer(Tape* tape, std::vector<SoftRounding>* roundings, const Samples& samples,
                           const ReconstructOptions& options, uint64_t seed)
    : tape_(*tape),
      roundings_(*roundings),
      samples_(samples),
      options_(options),
      seed_(seed),
      batch_size_(BatchSize(tape->dims(tape->output()), options.batch_size)),
      pool_(options.threads) {
  for (size_t i = 0; i < roundings_.size(); ++i) {
    weights_.emplace_back(roundings_[i].size());
    weight_count_ += roundings_[i].size();
  }
  for (size_t i = 0; i < weights_.size(); ++i) tape_.weights[i].values = weights_[i].data();
  for (size_t i = 0; i < kLanes; ++i) lanes_.push_back(tape_.NewLane());
  const bool both = samples_.count < 2 * kJudgedOf;
  for (int64_t s = 0; s < samples_.count; ++s) {
    const bool judges = s % kJudgedOf == kJudgedOf - 1;
    if (judges || both) judged_.push_back(s);
    if (!judges || both) order_.push_back(s);
  }
  next_ = order_.size();
  for (const TapeRounder& rounder : tape_.rounders) start_steps_.push_back(rounder.step);
  log_steps_.resize(start_steps_.size());
  step_means_.resize(start_steps_.size());
  step_variances_.resize(start_steps_.size());
}

Result<double> BlockTrainer::Error(std::span<const std::vector<int8_t>> codes) {
  for (size_t i = 0; i < roundings_.size(); ++i) {
    roundings_[i].Harden(codes[i], weights_[i].data());
  }
  std::vector<double> errors(judged_.size());
  pool_.ParallelFor(static_cast<int64_t>(kLanes), [&](int64_t l) {
    Lane& lane = lanes_[static_cast<size_t>(l)];
    lane.mode = {};
    for (auto j = static_cast<size_t>(l); j < judged_.size(); j += kLanes) {
      const auto s = static_cast<size_t>(judged_[j]);
      const float* x = samples_.inputs.data() + s * samples_.input_size;
      if (!tape_.Forward({x, samples_.input_size}, &lane).ok()) return;
      const float* y = lane.x[static_cast<size_t>(tape_.output())].data();
      const float* t = samples_.targets.data() + s * samples_.output_size;
      double sum = 0;
      for (size_t i = 0; i < samples_.output_size; ++i) sum += double{y[i] - t[i]} * (y[i] - t[i]);
      errors[j] = sum;
    }
  });
  for (const Lane& lane : lanes_) SKIFF_RETURN_IF_ERROR(lane.status);
  const double sum = std::accumulate(errors.begin(), errors.end(), 0.0);
  return sum / static_cast<double>(judged_.size());
}

Status BlockTrainer::Train(double error, const std::function<Status(int)>& before) {
  for (int i = 0; i < options_.iterations; ++i) {
    SKIFF_RETURN_IF_ERROR(before(i));
    Soften();
    SKIFF_RETURN_IF_ERROR(Accumulate(static_cast<uint64_t>(i), error));
    StepWeights(i);
    StepSteps(i);
  }
  return OkStatus();
}

void BlockTrainer::Soften() {
  for (size_t w = 0; w < weights_.size(); ++w) {
    const size_t size = weights_[w].size();
    pool_.ParallelFor(static_cast<int64_t>((size + kTask - 1) / kTask), [&](int64_t task) {
      const size_t begin = static_cast<size_t>(task) * kTask;
      roundings_[w].Soften(begin, std::min(begin + kTask, size), weights_[w].data());
    });
  }
}

// Every sample that trains once, in an order drawn anew, and again.
int64_t BlockTrainer::NextSample() {
  if (next_ == order_.size()) {
    uint64_t state = MixSeed(seed_ + ++shuffles_);
    for (size_t i = order_.size(); i > 1; --i) {
      state = MixSeed(state);
      std::swap(order_[i - 1], order_[state % i]);
    }
    next_ = 0;
  }
  return order_[next_++];
}

// Gradients of the mean over a batch, left in the first lane.
Status BlockTrainer::Accumulate(uint64_t iteration, double error) {
  batch_.clear();
  for (int i = 0; i < batch_size_; ++i) batch_.push_back(NextSample());
  pool_.ParallelFor(static_cast<int64_t>(kLanes), [&](int64_t l) {
    Lane& lane = lanes_[static_cast<size_t>(l)];
    for (std::vector<float>& dw : lane.dweights) std::fill(dw.begin(), dw.end(), 0.0F);
    std::fill(lane.dsteps.begin(), lane.dsteps.end(), 0.0);
    lane.mode = {true, options_.blocks ? options_.drop_probability : 0.0F};
    std::vector<float> input(samples_.input_size);
    for (size_t b = static_cast<size_t>(l); b < batch_.size(); b += kLanes) {
      lane.seed = MixSeed(seed_ ^ MixSeed(iteration * batch_.size() + b));
      MixInput(batch_[b], lane.seed, &input);
      if (!tape_.Forward(input, &lane).ok()) return;
      SetLossGradient(batch_[b], error, &lane);
      if (!tape_.Backward(&lane).ok()) return;
    }
  });
  for (const Lane& lane : lanes_) SKIFF_RETURN_IF_ERROR(lane.status);
  for (size_t l = 1; l < kLanes; ++l) {
    for (size_t r = 0; r < lanes_[0].dsteps.size(); ++r) {
      lanes_[0].dsteps[r] += lanes_[l].dsteps[r];
    }
  }
  return OkStatus();
}

// Elements of the float input among those of the quantised network.
void BlockTrainer::MixInput(int64_t sample, uint64_t seed, std::vector<float>* input) const {
  const size_t begin = static_cast<size_t>(sample) * samples_.input_size;
  const float* rounded = samples_.inputs.data() + begin;
  const float* exact = samples_.float_inputs.data() + begin;
  float* to = input->data();
  DropGenerator drops(~seed, options_.blocks ? options_.drop_probability : 0.0F);
  ForEachChunk(input->size(), [&](size_t at, size_t count) {
    drops.NextChunk();
    for (size_t i = 0; i < count; ++i) {
      to[at + i] = drops.Drops(i) ? exact[at + i] : rounded[at + i];
    }
  });
}

void BlockTrainer::SetLossGradient(int64_t sample, double error, Lane* lane) const {
  const float* y = lane->x[static_cast<size_t>(tape_.output())].data();
  const float* t = samples_.targets.data() + static_cast<size_t>(sample) * samples_.output_size;
  float* dy = lane->dx[static_cast<size_t>(tape_.output())].data();
  const auto factor = static_cast<float>(2 / (error * batch_size_));
  for (size_t i = 0; i < samples_.output_size; ++i) dy[i] = factor * (y[i] - t[i]);
}

void BlockTrainer::StepWeights(int iteration) {
  const double share = static_cast<double>(iteration) / options_.iterations;
  const bool warm = share >= kWarmUp;
  const double beta =
      kLastBeta + (kFirstBeta - kLastBeta) * Cosine((share - kWarmUp) / (1 - kWarmUp));
  const float regulariser = warm ? options_.regulariser / static_cast<float>(weight_count_) : 0.0F;
  for (size_t w = 0; w < weights_.size(); ++w) {
    const size_t size = weights_[w].size();
    pool_.ParallelFor(static_cast<int64_t>((size + kTask - 1) / kTask), [&](int64_t task) {
      const size_t begin = static_cast<size_t>(task) * kTask;
      const size_t end = std::min(begin + kTask, size);
      float* sum = lanes_[0].dweights[w].data();
      for (size_t l = 1; l < kLanes; ++l) {
        const float* more = lanes_[l].dweights[w].data();
        for (size_t i = begin; i < end; ++i) sum[i] += more[i];
      }
      roundings_[w].Step(begin, end, sum, regulariser, static_cast<float>(beta),
                         options_.learning_rate, iteration + 1);
    });
  }
}

// Adam on the logarithm of each step, so that one learning rate suits all ranges.
void BlockTrainer::StepSteps(int iteration) {
  const double rate =
      options_.step_learning_rate * Cosine(static_cast<double>(iteration) / options_.iterations);
  const double mean_share = 1 - std::pow(0.9, iteration + 1);
  const double variance_share = 1 - std::pow(0.999, iteration + 1);
  for (size_t r = 0; r < tape_.rounders.size(); ++r) {
    TapeRounder& rounder = tape_.rounders[r];
    if (!rounder.learn) continue;
    const double gradient = lanes_[0].dsteps[r] * rounder.step;
    step_means_[r] = 0.9 * step_means_[r] + 0.1 * gradient;
    step_variances_[r] = 0.999 * step_variances_[r] + 0.001 * gradient * gradient;
    const double scale = std::sqrt(step_variances_[r] / variance_share) + 1e-30;
    log_steps_[r] -= rate * (step_means_[r] / mean_share) / scale;
    rounder.step = start_steps_[r] * static_cast<float>(std::exp(log_steps_[r]));
  }
}

}  // namespace skiff::quant
