// The activation inside a fused convolution or fc: attributes fuse_activation, fuse_alpha and
// fuse_beta as Paddle's fused operators have them (docs/formats.md). Pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "base/status.h"
#include "kernels/epilogue/epilogue.h"
#include "onednn/primitive.h"
#include "program/attributes.h"

namespace skiff::ops {

struct FusedActivation {
  onednn::Activation kind = onednn::Activation::kNone;
  float alpha = 0;
  float beta = 0;
};

// An empty name is no activation. Zero alpha and beta mean the activation's own defaults.
Result<FusedActivation> MakeFusedActivation(std::string_view name, float alpha, float beta);

// fuse_activation, fuse_alpha and fuse_beta, or the older fuse_relu.
Result<FusedActivation> ReadFusedActivation(program::AttributeReader& attributes);

// The same for the INT8 kernels; Unsupported for those that they lack.
Result<kernels::Activation> ToInt8Activation(const FusedActivation& activation);

// One element, in double: the specification of the float path.
double ApplyActivationRef(const FusedActivation& activation, double x);

}  // namespace skiff::ops
