#include "quant/refine/refine_layer.h"

#include <algorithm>
#include <random>

#include "quant/calibrate/thresholds.h"
#include "quant/refine/rounding.h"

namespace skiff::quant {
namespace {

// Above this a layer's second moments are not gathered and its weights keep the nearest codes.
constexpr size_t kMostMoments = size_t{160} << 20;
// How much the float weight counts against the data, as a share of the mean second moment.
constexpr double kDamping = 0.01;

// Different positions for each layer and batch, the same in every run.
std::vector<int64_t> PickPositions(int64_t all, int64_t wanted, uint64_t layer, int64_t batch) {
  std::vector<int64_t> positions;
  std::mt19937_64 random(layer * 1000003 + static_cast<uint64_t>(batch));
  for (int64_t i = 0; i < std::min(all, wanted); ++i) {
    positions.push_back(
        all <= wanted ? i : static_cast<int64_t>(random() % static_cast<uint64_t>(all)));
  }
  return positions;
}

}  // namespace

RefinedLayer::RefinedLayer(const program::Program& program, const Layer& layer, size_t index,
                           Patches patches)
    : program_(&program), layer_(layer), index_(index), patches_(patches) {}

std::optional<RefinedLayer> RefinedLayer::Of(const program::Program& program,
                                             const Quantized& quantized, size_t index) {
  const Layer& layer = quantized.layers[index];
  const auto patches =
      Patches::Of(program.blocks[0].ops[layer.op], layer, program.params.at(layer.weight));
  if (!patches) return std::nullopt;
  RefinedLayer refined(program, layer, index, *patches);
  refined.bias_ = FindOutputBias(program, layer, patches->channels());
  refined.second_moments_ = Moments::Bytes(*patches, true) <= kMostMoments;
  return refined;
}

size_t RefinedLayer::MomentsBytes() const { return Moments::Bytes(patches_, second_moments_); }

size_t RefinedLayer::SampleBytes(int64_t rows) const {
  return static_cast<size_t>(rows * patches_.groups() * patches_.length()) * sizeof(float);
}

void RefinedLayer::AddSamples(const RunTensor& x, const RunTensor& y, int64_t rows, int64_t batch,
                              int64_t all) {
  if (!patches_.Fits(x, y)) return;
  const auto width = static_cast<size_t>(patches_.groups() * patches_.length());
  // For all of them at once: growing by and by takes twice the memory.
  if (sample_.count == 0) sample_.rows.reserve(width * static_cast<size_t>(all));
  for (int64_t p : PickPositions(patches_.Positions(y), rows, index_, batch)) {
    sample_.rows.resize(sample_.rows.size() + width);
    patches_.Gather(x, y, p, sample_.rows.data() + sample_.rows.size() - width);
    ++sample_.count;
  }
}

ReaderSample RefinedLayer::TakeSamples() {
  ReaderSample sample = std::move(sample_);
  sample_ = ReaderSample();
  sample.patches = &patches_;
  sample.matrix = patches_.Matrix(program_->params.at(layer_.weight).As<float>());
  sample.mean_is_free = bias_.has_value();
  return sample;
}

void RefinedLayer::BeginMoments() {
  moments_ = std::make_unique<Moments>(patches_, second_moments_);
}

Status RefinedLayer::AddMoments(const RunTensor& x, const RunTensor& y, ActivationGrid grid,
                                int64_t batch, int64_t batches, int threads) {
  if (!patches_.Fits(x, y)) return OkStatus();
  // Enough for the second moments to be known: several rows for each of their columns.
  const int64_t all = std::clamp<int64_t>(8 * patches_.length(), 8192, 65536);
  const int64_t wanted = (all + batches - 1) / batches;
  const auto width = static_cast<size_t>(patches_.groups() * patches_.length());
  for (int64_t p : PickPositions(patches_.Positions(y), wanted, index_, batch)) {
    float* patch = moments_->patch();
    patches_.Gather(x, y, p, patch);
    if (grid.threshold > 0) RoundToGrid(grid, {patch, width});
    patches_.GatherOutput(y, p, moments_->output());
    SKIFF_RETURN_IF_ERROR(moments_->Commit(threads));
  }
  return OkStatus();
}

Status RefinedLayer::FinishMoments(bool round_weight, bool correct_mean, int threads,
                                   Quantized* quantized) {
  const bool centred = correct_mean && bias_.has_value();
  SKIFF_RETURN_IF_ERROR(moments_->Finish(centred, threads));
  QuantizedWeight& weight = quantized->weights.at(layer_.weight);
  if (moments_->rows() > 0 && round_weight && second_moments_) {
    for (int64_t g = 0; g < patches_.groups(); ++g) {
      SKIFF_RETURN_IF_ERROR(RoundGroup(g, threads, &weight));
    }
  }
  if (moments_->rows() > 0 && centred) CorrectMean(weight, quantized);
  moments_.reset();
  return OkStatus();
}

Status RefinedLayer::RoundGroup(int64_t group, int threads, QuantizedWeight* weight) {
  const std::span<const float> real = program_->params.at(layer_.weight).As<float>();
  const int64_t length = patches_.length();
  float* gram = moments_->gram(group);
  float* cross = moments_->cross(group);
  double trace = 0;
  for (int64_t k = 0; k < length; ++k) trace += gram[k * length + k];
  const auto damping = static_cast<float>(kDamping * trace / static_cast<double>(length));
  if (!(damping > 0)) return OkStatus();
  for (int64_t k = 0; k < length; ++k) gram[k * length + k] += damping;
  std::vector<float> steps(static_cast<size_t>(patches_.outputs()));
  std::vector<int8_t> codes(static_cast<size_t>(patches_.outputs() * length));
  for (int64_t o = 0; o < patches_.outputs(); ++o) {
    const int64_t channel = group * patches_.outputs() + o;
    steps[static_cast<size_t>(o)] = weight->Threshold(channel) / 127;
    for (int64_t k = 0; k < length; ++k) {
      const size_t at = patches_.WeightIndex(channel, k);
      cross[o * length + k] += damping * real[at];
      codes[static_cast<size_t>(o * length + k)] = weight->codes[at];
    }
  }
  RoundingProblem problem{.outputs = patches_.outputs(), .length = length};
  problem.gram = {gram, static_cast<size_t>(length * length)};
  problem.target = {cross, codes.size()};
  problem.steps = steps;
  SKIFF_RETURN_IF_ERROR(RoundToOutputs(problem, threads, codes));
  for (int64_t o = 0; o < patches_.outputs(); ++o) {
    for (int64_t k = 0; k < length; ++k) {
      weight->codes[patches_.WeightIndex(group * patches_.outputs() + o, k)] =
          codes[static_cast<size_t>(o * length + k)];
    }
  }
  return OkStatus();
}

void RefinedLayer::CorrectMean(const QuantizedWeight& weight, Quantized* quantized) {
  const std::span<const float> given = program_->params.at(bias_->param).As<float>();
  std::vector<float> values(given.begin(), given.end());
  for (int64_t c = 0; c < patches_.channels(); ++c) {
    const auto at = static_cast<size_t>(c);
    const double step = weight.Threshold(c) / 127.0;
    const double* mean = moments_->patch_mean().data() + c / patches_.outputs() * patches_.length();
    double sum = bias_->inside ? values[at] : 0;
    for (int64_t k = 0; k < patches_.length(); ++k) {
      sum += weight.codes[patches_.WeightIndex(c, k)] * step * mean[k];
    }
    const double missing = moments_->output_mean()[at] - sum;
    values[at] += static_cast<float>(bias_->gain[at] * missing);
  }
  quantized->layers[index_].bias = bias_->param;
  quantized->biases[bias_->param] = std::move(values);
}

}  // namespace skiff::quant
