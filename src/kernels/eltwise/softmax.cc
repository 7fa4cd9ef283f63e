#define SKIFF_RUNG scalar
#include "base/isa.h"
#include "kernels/eltwise/eltwise_isa.h"
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
  return OfRung(isa, avx512bw::SoftmaxRows(), avx2::SoftmaxRows(), scalar::SoftmaxRows());
}

SoftmaxColumnsKernel SelectSoftmaxColumns(Isa isa) {
  return OfRung(isa, avx512bw::SoftmaxColumns(), avx2::SoftmaxColumns(), scalar::SoftmaxColumns());
}

}  // namespace skiff::kernels
