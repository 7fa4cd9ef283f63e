#include <immintrin.h>

#include "roofline/chains.h"

namespace skiff::bench::amx {
namespace {

// What LDTILECFG reads.
struct TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

// As assembly, because the intrinsics of some compilers hide from them which memory is read.
void Dot(int64_t steps) {
  const TileConfig config;
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
  for (int64_t s = 0; s < steps; ++s) {
    __asm__ volatile(
        "tdpbusd %%tmm6, %%tmm4, %%tmm0\n tdpbusd %%tmm7, %%tmm4, %%tmm1\n"
        "tdpbusd %%tmm6, %%tmm5, %%tmm2\n tdpbusd %%tmm7, %%tmm5, %%tmm3" ::);
  }
  __asm__ volatile("tilerelease" ::);
}

constexpr Chain kChains[] = {{"int8", "tdpbusd", int64_t{4} * 16 * 16 * 64, Dot}};

}  // namespace

Chains All() { return {kChains, sizeof(kChains) / sizeof(kChains[0])}; }

}  // namespace skiff::bench::amx
