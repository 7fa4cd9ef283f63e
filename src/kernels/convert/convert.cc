#include "kernels/convert/convert.h"

#include <algorithm>
#include <array>

namespace skiff::kernels {
namespace {

template <typename Fn>
const ConvertKernel<Fn>* Best(std::span<const ConvertKernel<Fn>> kernels, int64_t bytes, Isa isa) {
  for (const ConvertKernel<Fn>& kernel : kernels) {
    if (kernel.element_bytes == bytes && Allows(isa, kernel.isa)) return &kernel;
  }
  return nullptr;
}

// Codes of up to kTile channels and kTile pixels between their two layouts; of fewer channels, as
// a picture's 3, more pixels.
constexpr int64_t kTile = 64;
using Tile = std::array<uint8_t, kTile * kTile + 64>;

int64_t TilePixels(int64_t channels) {
  return channels >= kTile ? kTile : kTile * kTile / channels / kTile * kTile;
}

}  // namespace

#define SKIFF_NOTHING2(symbol, rung)
#define SKIFF_NOTHING3(symbol, rung, bytes)
#define SKIFF_ROW(symbol, rung) {#symbol, Isa::rung, 0, symbol},

std::span<const ConvertKernel<QuantizeFn>> QuantizeKernels() {
  static constexpr ConvertKernel<QuantizeFn> kKernels[] = {
#define SKIFF_QUANTIZE SKIFF_ROW
#define SKIFF_DEQUANTIZE SKIFF_NOTHING2
#define SKIFF_WIDEN SKIFF_NOTHING2
#define SKIFF_TRANSPOSE SKIFF_NOTHING3
#include "kernels/convert/convert_kernels.inc"
#undef SKIFF_QUANTIZE
#undef SKIFF_DEQUANTIZE
  };
  return kKernels;
}

std::span<const ConvertKernel<DequantizeFn>> DequantizeKernels() {
  static constexpr ConvertKernel<DequantizeFn> kKernels[] = {
#define SKIFF_QUANTIZE SKIFF_NOTHING2
#define SKIFF_DEQUANTIZE SKIFF_ROW
#include "kernels/convert/convert_kernels.inc"
#undef SKIFF_DEQUANTIZE
#undef SKIFF_WIDEN
  };
  return kKernels;
}

std::span<const ConvertKernel<WidenFn>> WidenKernels() {
  static constexpr ConvertKernel<WidenFn> kKernels[] = {
#define SKIFF_DEQUANTIZE SKIFF_NOTHING2
#define SKIFF_WIDEN SKIFF_ROW
#include "kernels/convert/convert_kernels.inc"
#undef SKIFF_WIDEN
#undef SKIFF_TRANSPOSE
  };
  return kKernels;
}

std::span<const ConvertKernel<TransposeFn>> TransposeKernels() {
  static constexpr ConvertKernel<TransposeFn> kKernels[] = {
#define SKIFF_WIDEN SKIFF_NOTHING2
#define SKIFF_TRANSPOSE(symbol, rung, bytes) {#symbol, Isa::rung, bytes, symbol},
#include "kernels/convert/convert_kernels.inc"
#undef SKIFF_QUANTIZE
#undef SKIFF_DEQUANTIZE
#undef SKIFF_WIDEN
#undef SKIFF_TRANSPOSE
  };
  return kKernels;
}

const ConvertKernel<QuantizeFn>* FindQuantize(Isa isa) { return Best(QuantizeKernels(), 0, isa); }
const ConvertKernel<DequantizeFn>* FindDequantize(Isa isa) {
  return Best(DequantizeKernels(), 0, isa);
}
const ConvertKernel<WidenFn>* FindWiden(Isa isa) { return Best(WidenKernels(), 0, isa); }
const ConvertKernel<TransposeFn>* FindTranspose(int64_t element_bytes, Isa isa) {
  return Best(TransposeKernels(), element_bytes, isa);
}

void QuantizeToNhwc(const QuantizeTranspose& fns, const QuantizeParams& params, const float* src,
                    int64_t channels, int64_t plane, int64_t begin, int64_t end, void* dst) {
  Tile tile;
  const int64_t most = TilePixels(channels);
  for (int64_t p = begin; p < end; p += most) {
    const int64_t pixels = std::min(most, end - p);
    for (int64_t c = 0; c < channels; c += kTile) {
      const int64_t count = std::min(kTile, channels - c);
      for (int64_t i = 0; i < count; ++i) {
        fns.quantize(params, src + (c + i) * plane + p, pixels,
                     &tile[static_cast<size_t>(i * most)]);
      }
      fns.transpose(tile.data(), most, count, pixels,
                    static_cast<uint8_t*>(dst) + (p - begin) * channels + c, channels);
    }
  }
}

void DequantizeToNchw(const DequantizeTranspose& fns, float step, bool is_unsigned, const void* src,
                      int64_t channels, int64_t plane, int64_t begin, int64_t end, float* dst) {
  Tile tile;
  for (int64_t p = begin; p < end; p += kTile) {
    const int64_t pixels = std::min(kTile, end - p);
    for (int64_t c = 0; c < channels; c += kTile) {
      const int64_t count = std::min(kTile, channels - c);
      fns.transpose(static_cast<const uint8_t*>(src) + p * channels + c, channels, pixels, count,
                    tile.data(), kTile);
      for (int64_t i = 0; i < count; ++i) {
        fns.dequantize(step, is_unsigned, &tile[static_cast<size_t>(i * kTile)], pixels,
                       dst + (c + i) * plane + p);
      }
    }
  }
}

}  // namespace skiff::kernels
