// The rungs that have loops of their own in this folder.
#pragma once

#include <string>

#include "base/isa.h"

namespace skiff::kernels {

// The best of them that may run under `isa`: kAvx512bw, kAvx2 or kScalar.
inline Isa EltwiseIsa(Isa isa) {
  if (Allows(isa, Isa::kAvx512bw)) return Isa::kAvx512bw;
  return Allows(isa, Isa::kAvx2) ? Isa::kAvx2 : Isa::kScalar;
}

// The kernel of that rung.
template <typename Kernel>
Kernel OfRung(Isa isa, Kernel avx512bw, Kernel avx2, Kernel scalar) {
  const Isa rung = EltwiseIsa(isa);
  return rung == Isa::kAvx512bw ? avx512bw : rung == Isa::kAvx2 ? avx2 : scalar;
}

// "softmax_avx2": a kernel as plans name it.
inline std::string EltwiseName(const std::string& loop, Isa isa) {
  return loop + "_" + std::string(Name(EltwiseIsa(isa)));
}

}  // namespace skiff::kernels
