#include "onednn/isa_cap.h"

#include <mutex>

#include "onednn/detail.h"

namespace skiff::onednn {
namespace {

dnnl::cpu_isa Ceiling(Isa isa) {
  switch (isa) {
    case Isa::kScalar: return dnnl::cpu_isa::sse41;
    case Isa::kAvx2: return dnnl::cpu_isa::avx2;
    case Isa::kAvxVnni: return dnnl::cpu_isa::avx2_vnni;
    case Isa::kAvx512bw: return dnnl::cpu_isa::avx512_core;
    case Isa::kAvx512Vnni: return dnnl::cpu_isa::avx512_core_vnni;
    case Isa::kAmx: return dnnl::cpu_isa::all;
  }
  return dnnl::cpu_isa::all;
}

}  // namespace

void CapIsa(Isa isa) {
  static std::once_flag once;
  // A refusal means that the embedding program already used oneDNN, whose choice then stands.
  std::call_once(once, [isa] { static_cast<void>(dnnl::set_max_cpu_isa(Ceiling(isa))); });
}

}  // namespace skiff::onednn
