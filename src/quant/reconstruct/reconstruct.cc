#include "quant/reconstruct/reconstruct.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "quant/reconstruct/blocks.h"
#include "quant/reconstruct/build.h"
#include "quant/reconstruct/drops.h"
#include "quant/reconstruct/rounding.h"
#include "quant/reconstruct/samples.h"
#include "quant/reconstruct/tape.h"
#include "quant/reconstruct/train.h"

namespace skiff::quant {
namespace {

// Iterations where the caller names none: what takes a few minutes for a small network would take
// hours for a large one.
constexpr double kMostIterations = 500;
constexpr double kLeastIterations = 100;
constexpr double kMostMultiplyAdds = 250e9;  // of all iterations, for one sample each

class Reconstruction {
 public:
  Reconstruction(const program::Program& program, CalibrationData& data,
                 const ReconstructOptions& options, const QuantizeProgress& progress,
                 Quantized* quantized)
      : program_(program),
        data_(data),
        options_(options),
        progress_(progress),
        quantized_(*quantized) {}

  Status Run() {
    SKIFF_ASSIGN_OR_RETURN(dims_, FindSampleDims(program_, data_, Gathering()));
    if (options_.iterations == 0) options_.iterations = Iterations();
    FindAllBlocks();
    for (size_t b = options_.first_block; b < blocks_.size(); ++b) {
      ReconstructedBlock report;
      report.index = b;
      report.blocks = blocks_.size();
      report.name = blocks_[b].output;
      for (const size_t layer : blocks_[b].layers) {
        report.layers.push_back(quantized_.layers[layer].output);
      }
      const Status status = Improve(b, &report);
      if (status.code() == StatusCode::kUnsupported) {
        report.why_left = status.message();
      } else {
        SKIFF_RETURN_IF_ERROR(status.WithContext("reconstruction of " + report.name));
      }
      if (options_.on_block) SKIFF_RETURN_IF_ERROR(options_.on_block(report));
    }
    Report(blocks_.size(), 0);
    return OkStatus();
  }

 private:
  [[nodiscard]] SampleOptions Gathering() const {
    return {options_.threads, options_.memory_limit};
  }
  [[nodiscard]] bool LearnsSteps() const {
    return options_.blocks && options_.step_learning_rate > 0;
  }

  [[nodiscard]] int Iterations() const {
    const auto values = [&](const std::string& name) {
      const auto dims = dims_.find(name);
      return dims == dims_.end() ? 0.0 : static_cast<double>(dims->second.Numel());
    };
    double work = 0;
    for (const auto& [op, layer] : QuantizedByOp(quantized_.layers)) {
      work += MultiplyAdds(program_.blocks[0].ops[op], program_.params.at(layer->weight).dims,
                           values(layer->activation), values(layer->output));
    }
    const double affordable = kMostMultiplyAdds / std::max(work, 1.0);
    return static_cast<int>(std::clamp(affordable, kLeastIterations, kMostIterations));
  }

  // Blocks that a tape cannot hold are taken layer by layer.
  void FindAllBlocks() {
    const std::vector<Layer>& layers = quantized_.layers;
    if (options_.blocks) {
      for (Block& block : FindBlocks(program_, layers, options_.block_limit)) {
        if (BuildTape(program_, quantized_, block, dims_, false).ok()) {
          blocks_.push_back(std::move(block));
          continue;
        }
        for (const size_t i : block.layers) blocks_.push_back(LayerBlock(program_, layers, i));
      }
      return;
    }
    for (size_t i = 0; i < layers.size(); ++i) {
      if (layers[i].why_float.empty()) blocks_.push_back(LayerBlock(program_, layers, i));
    }
  }

  Status Improve(size_t index, ReconstructedBlock* report) {
    const Block& block = blocks_[index];
    SKIFF_ASSIGN_OR_RETURN(Tape tape, BuildTape(program_, quantized_, block, dims_, LearnsSteps()));
    SKIFF_ASSIGN_OR_RETURN(const Samples samples,
                           GatherSamples(program_, quantized_, block, dims_, data_, Gathering()));
    std::vector<SoftRounding> roundings;
    std::vector<std::vector<int8_t>> before;
    for (const TapeWeight& weight : tape.weights) {
      const QuantizedWeight& quantized = quantized_.weights.at(weight.name);
      roundings.emplace_back(std::span(weight.values, weight.count),
                             program_.params.at(weight.name).dims, quantized);
      before.push_back(quantized.codes);
    }
    double power = 0;
    for (const float t : samples.targets) power += double{t} * t;
    power /= static_cast<double>(samples.count);
    BlockTrainer trainer(&tape, &roundings, samples, options_, MixSeed(options_.seed + index));
    SKIFF_ASSIGN_OR_RETURN(const double error_before, trainer.Error(before));
    report->error_before = report->error_after = power > 0 ? error_before / power : 0;
    if (error_before <= 0) return OkStatus();
    SKIFF_RETURN_IF_ERROR(trainer.Train(error_before, [&](int iteration) {
      Report(index, iteration);
      return options_.go_on ? options_.go_on() : OkStatus();
    }));
    std::vector<std::vector<int8_t>> after;
    for (const SoftRounding& rounding : roundings) after.push_back(rounding.Codes());
    SKIFF_ASSIGN_OR_RETURN(const double error_after, trainer.Error(after));
    if (error_after >= error_before) return OkStatus();
    report->error_after = error_after / power;
    Keep(tape, std::move(after));
    return OkStatus();
  }

  void Keep(const Tape& tape, std::vector<std::vector<int8_t>> codes) {
    for (size_t w = 0; w < tape.weights.size(); ++w) {
      quantized_.weights.at(tape.weights[w].name).codes = std::move(codes[w]);
    }
    for (const TapeRounder& rounder : tape.rounders) {
      if (rounder.learn)
        quantized_.ranges.at(rounder.name).threshold = rounder.step * rounder.codes;
    }
  }

  void Report(size_t block, int iteration) const {
    if (!progress_ || iteration % 8 != 0) return;
    const auto each = static_cast<int64_t>(options_.iterations);
    progress_("reconstruction", static_cast<int64_t>(block) * each + iteration,
              static_cast<int64_t>(blocks_.size()) * each);
  }

  const program::Program& program_;
  CalibrationData& data_;
  ReconstructOptions options_;
  const QuantizeProgress& progress_;
  Quantized& quantized_;
  SampleDims dims_;
  std::vector<Block> blocks_;
};

Status CheckOptions(const ReconstructOptions& options) {
  if (options.iterations < 0) return InvalidArgument("reconstruction: iterations are negative");
  if (options.batch_size < 1) return InvalidArgument("reconstruction: batch_size must be positive");
  if (!(options.drop_probability >= 0 && options.drop_probability < 1)) {
    return InvalidArgument("reconstruction: drop_probability must be in [0, 1)");
  }
  if (options.block_limit < 1) return InvalidArgument("reconstruction: limit must be positive");
  return OkStatus();
}

}  // namespace

Status Reconstruct(const program::Program& program, CalibrationData& data,
                   const ReconstructOptions& options, const QuantizeProgress& progress,
                   Quantized* quantized) {
  SKIFF_RETURN_IF_ERROR(CheckOptions(options));
  return Reconstruction(program, data, options, progress, quantized).Run();
}

}  // namespace skiff::quant
