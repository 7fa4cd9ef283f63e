// Float convolution and transposed convolution by oneDNN: NHWC in and out, constant filter; bias,
// residual and activation in the same primitive.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "onednn/primitive.h"
#include "steps/step.h"
#include "steps/window.h"

namespace skiff::steps {

struct FloatConvSpec {
  bool transposed = false;
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t groups = 1;
  // Height, width.
  std::array<int64_t, 2> kernel{1, 1};
  std::array<int64_t, 2> stride{1, 1};
  std::array<int64_t, 2> dilation{1, 1};
  PaddingRule padding = PaddingRule::kExplicit;
  std::array<int64_t, 4> pads{};  // top, bottom, left, right; kExplicit only
  // Transposed only: rows and columns added at the end, or the output's extents (0: computed).
  std::array<int64_t, 2> output_padding{};
  std::array<int64_t, 2> output_size{};

  const float* filter = nullptr;  // [O, I/groups, kh, kw]; transposed: [I, O/groups, kh, kw]
  std::shared_ptr<const void> filter_owner;  // keeps `filter` alive
  std::vector<float> bias;                   // empty or out_channels
  onednn::Epilogue epilogue;
  onednn::Storages storages;                     // the residual is stored as the output
  std::shared_ptr<const KernelChoices> choices;  // null: the cost model decides
};

// Output extents (N, C, H, W) for an input of `in`, or what is wrong with `in`.
Result<Dims> ConvOutputDims(const FloatConvSpec& spec, const Dims& in);

// Inputs: x [, residual, shaped as the output]; output: y.
std::unique_ptr<Step> MakeOnednnConv(FloatConvSpec spec);

}  // namespace skiff::steps
