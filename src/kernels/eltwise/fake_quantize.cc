#define SKIFF_RUNG scalar
#include "base/isa.h"
#include "kernels/eltwise/eltwise_isa.h"
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
  return OfRung(isa, avx512bw::FakeQuantizeRung(mode), avx2::FakeQuantizeRung(mode),
                scalar::FakeQuantizeRung(mode));
}

AbsMaxKernel SelectAbsMax(Isa isa) {
  return OfRung(isa, avx512bw::AbsMaxRung(), avx2::AbsMaxRung(), scalar::AbsMaxRung());
}

}  // namespace skiff::kernels
