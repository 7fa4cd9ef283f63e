// FakeQuantizeStep: Paddle's fake quantisation and dequantisation, in float.
//
// Inputs: X, then the scales where the step does not find them itself. Outputs: the result, then
// the scale that was used where the operator has such an output.
#pragma once

#include <memory>

#include "base/dtype.h"
#include "base/isa.h"
#include "kernels/eltwise/fake_quantize.h"
#include "steps/step.h"

namespace skiff::steps {

struct FakeQuantizeConfig {
  // Where the range limits come from.
  enum class Scale { kGiven, kAbsMax };

  kernels::FakeQuantize mode = kernels::FakeQuantize::kDequantize;
  Scale scale = Scale::kGiven;
  int64_t axis = -1;          // of the channels; -1: one scale for all
  float bound = 127;          // codes at the range limit
  bool second_scale = false;  // input 2 holds one more factor (kDequantizeTwice)
  bool writes_scale = false;
  bool nhwc = false;
  DType src_type = DType::kFloat32;  // kInt8: codes of weights, to be dequantised
};

std::unique_ptr<Step> MakeFakeQuantizeStep(Isa isa, const FakeQuantizeConfig& config);

}  // namespace skiff::steps
