// Scaling groups: the tensors whose channels may be divided by factors, the same for all of a
// group, when what writes them is divided and what reads them multiplied, so that the model
// computes the same (cross-layer equalisation, Nagel et al. 2019, over whole residual chains).
//
// A group is joined by operators that pass factors on: addition, relu, pooling, resizing. It is
// written by convolutions (divided along their output channels) and batch norms, and read by
// convolutions (multiplied along their input channels).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/program.h"

namespace skiff::quant {

// A parameter that a group's factors touch: element i belongs to channel[i / inner].
struct ScaledParam {
  std::string name;
  bool divide = false;  // else multiply
  std::vector<int32_t> channel;
  int64_t inner = 1;
};

struct ScalingGroup {
  int64_t channels = 0;
  std::vector<std::string> tensors;  // what convolutions read of it, and relu6 writes
  std::vector<ScaledParam> params;
  std::vector<std::string> dense_weights;  // of `params`: read by convolutions over all channels
  bool has_relu6 = false;
};

// Only what can be scaled: groups with at least one reader, every parameter of which is float32 and
// used once.
std::vector<ScalingGroup> FindScalingGroups(const program::Program& program);

}  // namespace skiff::quant
