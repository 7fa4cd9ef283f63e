#define SKIFF_RUNG scalar
#include "base/isa.h"
#include "kernels/eltwise/softmax_body.h"

namespace skiff::kernels {
namespace avx2 {
SoftmaxRowsKernel SoftmaxRows();
SoftmaxColumnsKernel SoftmaxColumns();
}  // namespace avx2
namespace avx512bw {
SoftmaxRowsKernel SoftmaxRows();
SoftmaxColumnsKernel SoftmaxColumns();
}  // namespace avx512bw

SoftmaxRowsKernel SelectSoftmaxRows(Isa isa) {
  if (Allows(isa, Isa::kAvx512bw)) return avx512bw::SoftmaxRows();
  return Allows(isa, Isa::kAvx2) ? avx2::SoftmaxRows() : scalar::SoftmaxRows();
}

SoftmaxColumnsKernel SelectSoftmaxColumns(Isa isa) {
  if (Allows(isa, Isa::kAvx512bw)) return avx512bw::SoftmaxColumns();
  return Allows(isa, Isa::kAvx2) ? avx2::SoftmaxColumns() : scalar::SoftmaxColumns();
}

}  // namespace skiff::kernels
