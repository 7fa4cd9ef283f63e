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
    // With bfloat16, where the CPU has it: its float32 and integer kernels are the same.
    case Isa::kAvx512Vnni: return dnnl::cpu_isa::avx512_core_bf16;
    case Isa::kAmx: return dnnl::cpu_isa::isa_default;
  }
  return dnnl::cpu_isa::isa_default;
}

}  // namespace

void CapIsa(Isa isa) {
  static std::once_flag once;
  // A refusal means that the embedding program already used oneDNN, whose choice then stands.
  std::call_once(once, [isa] { static_cast<void>(dnnl::set_max_cpu_isa(Ceiling(isa))); });
}

std::string Version() {
  const dnnl_version_t* version = dnnl_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->patch);
}

std::string EffectiveIsa() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41: return "sse41";
    case dnnl::cpu_isa::avx: return "avx";
    case dnnl::cpu_isa::avx2: return "avx2";
    case dnnl::cpu_isa::avx2_vnni: return "avx_vnni";
    case dnnl::cpu_isa::avx2_vnni_2: return "avx_vnni_int8";
    case dnnl::cpu_isa::avx512_core: return "avx512bw";
    case dnnl::cpu_isa::avx512_core_vnni: return "avx512_vnni";
    case dnnl::cpu_isa::avx512_core_bf16: return "avx512_bf16";
    case dnnl::cpu_isa::avx512_core_fp16: return "avx512_fp16";
    case dnnl::cpu_isa::avx512_core_amx:
    case dnnl::cpu_isa::avx512_core_amx_fp16: return "amx";
    default: return "its own choice";
  }
}

bool MultipliesBfloat16() {
  // Its values are masks of features.
  const auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}

}  // namespace skiff::onednn
