// The depthwise kernels of the scalar rung.
#include "kernels/depthwise/depthwise_symbols.h"

namespace skiff::kernels {
namespace {

constexpr int kBlock = 8;

template <typename X>
void Run(const DepthwiseTile& t) {
  for (int64_t p = 0; p < t.positions; ++p) {
    const auto* residual = static_cast<const char*>(t.residual);
    if (residual != nullptr) residual += p * t.residual_stride;
    char* dst = static_cast<char*>(t.dst) + p * t.dst_stride;
    const auto* w = static_cast<const int16_t*>(t.weights);
    for (int64_t c = 0; c < t.channels; c += kBlock) {
      const int64_t count = t.channels - c < kBlock ? t.channels - c : kBlock;
      int32_t acc[kBlock] = {};
      for (int64_t pair = 0; pair < t.groups; ++pair, w += 2 * kBlock) {
        for (int64_t tap = 0; tap < 2; ++tap) {
          const X* x = reinterpret_cast<const X*>(static_cast<const char*>(t.taps[2 * pair + tap]) +
                                                  p * t.position_step) +
                       c;
          for (int64_t i = 0; i < count; ++i) acc[i] += int32_t{x[i]} * w[2 * i + tap];
        }
      }
      ApplyEpilogueRef(*t.epilogue, acc, c, count, residual, dst);
      if (residual != nullptr) residual += kBlock * ElementBytes(t.epilogue->residual);
      dst += kBlock * ElementBytes(t.epilogue->store);
    }
  }
}

}  // namespace

void depthwise_u8s8_c8_scalar(const DepthwiseTile& tile) { Run<uint8_t>(tile); }
void depthwise_s8s8_c8_scalar(const DepthwiseTile& tile) { Run<int8_t>(tile); }

}  // namespace skiff::kernels
