#define SKIFF_RUNG scalar
#include "base/isa.h"
#include "kernels/eltwise/fake_quantize_body.h"

namespace skiff::kernels {
namespace avx2 {
FakeQuantizeKernel FakeQuantizeRung(FakeQuantize mode);
AbsMaxKernel AbsMaxRung();
}  // namespace avx2
namespace avx512bw {
FakeQuantizeKernel FakeQuantizeRung(FakeQuantize mode);
AbsMaxKernel AbsMaxRung();
}  // namespace avx512bw

FakeQuantizeKernel SelectFakeQuantize(Isa isa, FakeQuantize mode) {
  if (Allows(isa, Isa::kAvx512bw)) return avx512bw::FakeQuantizeRung(mode);
  return Allows(isa, Isa::kAvx2) ? avx2::FakeQuantizeRung(mode) : scalar::FakeQuantizeRung(mode);
}

AbsMaxKernel SelectAbsMax(Isa isa) {
  if (Allows(isa, Isa::kAvx512bw)) return avx512bw::AbsMaxRung();
  return Allows(isa, Isa::kAvx2) ? avx2::AbsMaxRung() : scalar::AbsMaxRung();
}

}  // namespace skiff::kernels
