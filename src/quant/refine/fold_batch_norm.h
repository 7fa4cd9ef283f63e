// optimize_model: batch norms become part of the convolutions in front of them.
#pragma once

#include "program/program.h"

namespace skiff::quant {

// Convolutions (transposed ones too, without groups), with or without a bias added behind them,
// that only a batch norm reads: the weight takes its scale, and an elementwise_add its shift.
// Others stay. Returns how many were folded.
int FoldBatchNorms(program::Program* program);

}  // namespace skiff::quant
