// One layer while it is refined: what is gathered about it in passes over the data, and what
// follows from that. Used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "quant/export.h"
#include "quant/refine/moments.h"
#include "quant/refine/output_bias.h"
#include "quant/refine/patches.h"
#include "quant/refine/range_search.h"

namespace skiff::quant {

class RefinedLayer {
 public:
  // Nothing for layers that are no matrix products over patches. The program must live as long.
  static std::optional<RefinedLayer> Of(const program::Program& program, const Quantized& quantized,
                                        size_t index);

  [[nodiscard]] size_t index() const { return index_; }  // of Quantized::layers
  [[nodiscard]] const Layer& layer() const { return layer_; }
  // Bytes that it holds between Begin and Finish, and while its samples are kept.
  [[nodiscard]] size_t MomentsBytes() const;
  [[nodiscard]] size_t SampleBytes(int64_t rows) const;

  // Some patches of one batch for the range search. `all`: how many there will be of all batches.
  void AddSamples(const RunTensor& x, const RunTensor& y, int64_t rows, int64_t batch, int64_t all);
  ReaderSample TakeSamples();

  void BeginMoments();
  // Patches of one batch, rounded on the grid of `threshold`, with the outputs of the float layer.
  // `batches`: how many there will be.
  Status AddMoments(const RunTensor& x, const RunTensor& y, ActivationGrid grid, int64_t batch,
                    int64_t batches, int threads);
  // Rounds the weight and corrects the mean as asked, and lets the moments go.
  Status FinishMoments(bool round_weight, bool correct_mean, int threads, Quantized* quantized);

 private:
  RefinedLayer(const program::Program& program, const Layer& layer, size_t index, Patches patches);
  Status RoundGroup(int64_t group, int threads, QuantizedWeight* weight);
  void CorrectMean(const QuantizedWeight& weight, Quantized* quantized);

  const program::Program* program_;
  Layer layer_;
  size_t index_;
  Patches patches_;
  std::optional<OutputBias> bias_;
  bool second_moments_ = true;
  ReaderSample sample_;
  std::unique_ptr<Moments> moments_;
};

}  // namespace skiff::quant
