#define SKIFF_RUNG scalar
#include "base/isa.h"
#include "kernels/eltwise/softmax_body.h"

namespace skiff::kernels {
namespace avx2 {
SoftmaxRowsKernel SoftmaxRows();
SoftmaxColumnsKernel SoftmaxColumns();
}  // namespace avx2

SoftmaxRowsKernel SelectSoftmaxRows(Isa isa) {
  return Allows(isa, Isa::kAvx2) ? avx2::SoftmaxRows() : scalar::SoftmaxRows();
}

SoftmaxColumnsKernel SelectSoftmaxColumns(Isa isa) {
  return Allows(isa, Isa::kAvx2) ? avx2::SoftmaxColumns() : scalar::SoftmaxColumns();
}

}  // namespace skiff::kernels
