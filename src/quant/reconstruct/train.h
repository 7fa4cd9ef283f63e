// BlockTrainer: the loop that moves a block's rounding and steps towards its targets.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "quant/reconstruct/reconstruct.h"
#include "quant/reconstruct/rounding.h"
#include "quant/reconstruct/samples.h"
#include "quant/reconstruct/tape.h"

namespace skiff::quant {

class BlockTrainer {
 public:
  // `roundings` by weight of the tape. All must outlive the trainer.
  BlockTrainer(Tape* tape, std::vector<SoftRounding>* roundings, const Samples& samples,
               const ReconstructOptions& options, uint64_t seed);

  // The mean of the squared difference from the target, with these codes, over samples that Train
  // does not look at (over all where there are less than eight).
  Result<double> Error(std::span<const std::vector<int8_t>> codes);
  // `error` is that of the codes before. `before` is called before each iteration, with its number;
  // an error of it ends the training.
  Status Train(double error, const std::function<Status(int)>& before);

 private:
  Status Accumulate(uint64_t iteration, double error);
  void StepWeights(int iteration);
  void StepSteps(int iteration);
  void MixInput(int64_t sample, uint64_t seed, std::vector<float>* input) const;
  void SetLossGradient(int64_t sample, double error, Lane* lane) const;
  void Soften();
  int64_t NextSample();

  Tape& tape_;
  std::vector<SoftRounding>& roundings_;
  const Samples& samples_;
  const ReconstructOptions& options_;
  uint64_t seed_;
  int batch_size_;
  ThreadPool pool_;
  std::vector<Lane> lanes_;
  std::vector<std::vector<float>> weights_;  // as the tape reads them
  size_t weight_count_ = 0;
  std::vector<int64_t> judged_;  // samples of Error
  std::vector<int64_t> order_;   // samples of Train
  size_t next_ = 0;
  uint64_t shuffles_ = 0;
  std::vector<int64_t> batch_;
  std::vector<float> start_steps_;
  std::vector<double> log_steps_;  // of steps against those at the start
  std::vector<double> step_means_;
  std::vector<double> step_variances_;
};

}  // namespace skiff::quant
