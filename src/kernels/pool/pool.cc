#include "kernels/pool/pool.h"

#include <algorithm>

namespace skiff::kernels {

std::span<const PoolKernel> PoolKernels() {
  static constexpr PoolKernel kKernels[] = {
#define SKIFF_POOL(symbol, rung, kind) {#symbol, Isa::rung, PoolKind::kind, symbol},
#include "kernels/pool/pool_kernels.inc"
#undef SKIFF_POOL
  };
  return kKernels;
}

const PoolKernel* FindPoolKernel(PoolKind kind, Isa isa) {
  const std::span<const PoolKernel> kernels = PoolKernels();
  return &*std::find_if(kernels.begin(), kernels.end(), [&](const PoolKernel& kernel) {
    return kernel.kind == kind && Allows(isa, kernel.isa);
  });
}

}  // namespace skiff::kernels
