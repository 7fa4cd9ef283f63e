// Patches: a layer seen as a matrix product. At one position, the output is the weight, as a matrix
// [groups][outputs][length], times the patch of the input that the position sees.
//
// Immutable after it was made.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "program/program.h"
#include "quant/layers.h"
#include "quant/tracer.h"

namespace skiff::quant {

class Patches {
 public:
  // Nothing for operators that are seen otherwise (transposed convolutions, products with a
  // transposed left side, channels last).
  static std::optional<Patches> Of(const program::OpDesc& op, const Layer& layer,
                                   const program::Tensor& weight);

  [[nodiscard]] int64_t groups() const { return groups_; }
  [[nodiscard]] int64_t outputs() const { return outputs_; }  // of a group
  [[nodiscard]] int64_t length() const { return length_; }    // of a group's part of a patch
  [[nodiscard]] int64_t channels() const { return groups_ * outputs_; }

  // False when tensors of a run do not lie as the operator's attributes say.
  [[nodiscard]] bool Fits(const RunTensor& x, const RunTensor& y) const;
  // REQUIRES for what follows: Fits(x, y).
  [[nodiscard]] int64_t Positions(const RunTensor& y) const;
  // groups() * length() values.
  void Gather(const RunTensor& x, const RunTensor& y, int64_t position, float* patch) const;
  // channels() values.
  void GatherOutput(const RunTensor& y, int64_t position, float* values) const;

  // Where element k of output channel o of the matrix lies in the weight as the file has it.
  [[nodiscard]] size_t WeightIndex(int64_t channel, int64_t k) const {
    return static_cast<size_t>(by_column_ ? k * channels() + channel : channel * length_ + k);
  }
  [[nodiscard]] std::vector<float> Matrix(std::span<const float> weight) const;

 private:
  void GatherWindow(const RunTensor& x, const RunTensor& y, int64_t position, float* patch) const;

  bool convolution_ = false;
  bool by_column_ = false;  // the weight lies as [length, channels]
  int64_t groups_ = 1;
  int64_t outputs_ = 0;
  int64_t length_ = 0;
  int64_t row_dims_ = 0;  // products: leading extents that count rows; 0: all but the last
  // Convolutions, along height and width.
  int64_t kernel_[2] = {1, 1};
  int64_t stride_[2] = {1, 1};
  int64_t dilation_[2] = {1, 1};
  int64_t before_[2] = {0, 0};  // padding
};

}  // namespace skiff::quant
