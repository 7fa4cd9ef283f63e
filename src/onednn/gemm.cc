#include "onednn/gemm.h"

#include "onednn/detail.h"

namespace skiff::onednn {

Status Gemm(const GemmSpec& spec, const float* a, const float* b, float* c, int threads) {
  const ThreadScope scope(threads);
  const dnnl_status_t status =
      dnnl_sgemm(spec.transpose_a ? 'T' : 'N', spec.transpose_b ? 'T' : 'N', spec.m, spec.n, spec.k,
                 spec.alpha, a, spec.lda, b, spec.ldb, spec.beta, c, spec.ldc);
  if (status == dnnl_success) return OkStatus();
  return Status(StatusCode::kInternal, "oneDNN's sgemm answered " + std::to_string(status));
}

}  // namespace skiff::onednn
