// Declares every kernel of conv_kernels.inc.
#pragma once

#include "kernels/conv/conv_tile.h"

namespace skiff::kernels {

#define SKIFF_CONV_KERNEL(symbol, rung, input, rows, channels, k_group, step_block, row_group, \
                          any_rows, pre_add)                                                   \
  void symbol(const ConvTile& tile);
#include "kernels/conv/conv_kernels.inc"
#undef SKIFF_CONV_KERNEL

}  // namespace skiff::kernels
