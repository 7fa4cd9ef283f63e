// INT8 convolution: packs the weights for the best kernel that the rung allows and makes the step
// that runs it. One factory for pointwise, k x k, grouped, depthwise and first-layer convolutions.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/isa.h"
#include "base/status.h"
#include "kernels/epilogue/epilogue.h"
#include "steps/int8_grid.h"
#include "steps/step.h"
#include "steps/window.h"

namespace skiff::steps {

struct Int8ConvSpec {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t groups = 1;
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  PaddingRule padding = PaddingRule::kExplicit;
  std::array<int64_t, 4> pads{};  // top, bottom, left, right; kExplicit only

  // O, I / groups, H, W: the file's integers. Read while the step is made, not kept.
  std::span<const int8_t> filter;
  std::vector<double> filter_step;  // 1 or out_channels; negative where batch norm made it so
  std::vector<float> bias;          // empty or out_channels, real units

  CodeGrid input;  // the grid of the input's codes
  // The input is the user's f32 and is rounded onto `input` on the way.
  bool input_is_float = false;
  bool input_is_nchw = false;  // layout of a float input; codes are always NHWC

  enum class Residual { kNone, kCodes, kFloat };
  Residual residual = Residual::kNone;  // NHWC, shaped as the output
  CodeGrid residual_grid;

  kernels::Activation activation;
  bool output_is_float = false;
  CodeGrid output;

  const KernelChoices* choices = nullptr;  // null: the cost model decides; not kept
};

// Inputs: x [, residual]; output: NHWC codes on spec.output, or f32.
// The accumulator bound (in_channels / groups * kernel_h * kernel_w codes) is checked here.
Result<std::unique_ptr<Step>> MakeInt8Conv(const Int8ConvSpec& spec, Isa isa);

// The step that does both, some positions at a time, so that the floats between them stay in cache:
// `addend` computes the float residual of `sum`, both of MakeInt8Conv. Inputs: those of `sum`
// without its residual, then those of `addend`. Null, and both as they were, where they are not
// such a pair or too large to gain by it.
std::unique_ptr<Step> FuseAddend(std::unique_ptr<Step>* addend, std::unique_ptr<Step>* sum);

}  // namespace skiff::steps
