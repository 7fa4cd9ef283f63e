#define SKIFF_RUNG scalar
#include "base/isa.h"
#include "kernels/eltwise/eltwise_isa.h"
#include "kernels/eltwise/layer_norm_body.h"

namespace skiff::kernels {
namespace avx2 {
LayerNormKernel LayerNorm();
}  // namespace avx2
namespace avx512bw {
LayerNormKernel LayerNorm();
}  // namespace avx512bw

LayerNormKernel SelectLayerNorm(Isa isa) {
  return OfRung(isa, avx512bw::LayerNorm(), avx2::LayerNorm(), scalar::LayerNorm());
}

}  // namespace skiff::kernels
