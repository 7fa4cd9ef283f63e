#define SKIFF_RUNG scalar
#include "base/isa.h"
#include "kernels/eltwise/fake_quantize_body.h"

namespace skiff::kernels {
namespace avx2 {
FakeQuantizeKernel FakeQuantizeRung(FakeQuantize mode);
AbsMaxKernel AbsMaxRung();
}  // namespace avx2

FakeQuantizeKernel SelectFakeQuantize(Isa isa, FakeQuantize mode) {
  return Allows(isa, Isa::kAvx2) ? avx2::FakeQuantizeRung(mode) : scalar::FakeQuantizeRung(mode);
}

AbsMaxKernel SelectAbsMax(Isa isa) {
  return Allows(isa, Isa::kAvx2) ? avx2::AbsMaxRung() : scalar::AbsMaxRung();
}

}  // namespace skiff::kernels
