// Pooling over NHWC: the kernels for one output position, all channels. Pure functions. At most 64
// bytes past a window's last pixel are read.
#pragma once

#include <cstdint>
#include <span>

#include "base/isa.h"
#include "kernels/pool/pool_symbols.h"

namespace skiff::kernels {

struct PoolKernel {
  const char* name;
  Isa isa;
  PoolKind kind;
  PoolFn run;
};

// Every kernel of the list, best first.
std::span<const PoolKernel> PoolKernels();
// The best that may run under `isa`; never null.
const PoolKernel* FindPoolKernel(PoolKind kind, Isa isa);

}  // namespace skiff::kernels
