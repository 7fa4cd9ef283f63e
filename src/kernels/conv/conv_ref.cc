// Rounding: none before the epilogue; the sum is exact in s32 because
// in_channels / groups * kernel_h * kernel_w <= MaxConvDepth(max_code).
#include <vector>

#include "kernels/conv/conv.h"

namespace skiff::kernels {
namespace {

template <typename T>
int32_t Sum(const ConvShape& s, const T* image, const int8_t* filter, int64_t o, int64_t oy,
            int64_t ox) {
  const int64_t depth = s.in_channels / s.groups;
  const int64_t first = o / (s.out_channels / s.groups) * depth;
  int32_t acc = 0;
  for (int64_t c = 0; c < depth; ++c) {
    for (int64_t ky = 0; ky < s.kernel_h; ++ky) {
      const int64_t iy = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
      if (iy < 0 || iy >= s.in_h) continue;
      for (int64_t kx = 0; kx < s.kernel_w; ++kx) {
        const int64_t ix = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
        if (ix < 0 || ix >= s.in_w) continue;
        const int32_t x = image[(iy * s.in_w + ix) * s.in_channels + first + c];
        acc += x * filter[((o * depth + c) * s.kernel_h + ky) * s.kernel_w + kx];
      }
    }
  }
  return acc;
}

}  // namespace

void ConvRef(const ConvShape& s, bool src_is_unsigned, const void* src, const int8_t* filter,
             const Epilogue& e, const void* residual, void* dst) {
  const int64_t residual_size = e.residual == ResidualType::kF32 ? 4 : 1;
  const int64_t dst_size = e.store == StoreType::kF32 ? 4 : 1;
  std::vector<int32_t> acc(static_cast<size_t>(s.out_channels));
  for (int64_t p = 0; p < s.images * s.out_h * s.out_w; ++p) {
    const int64_t image = p / (s.out_h * s.out_w) * s.in_h * s.in_w * s.in_channels;
    const int64_t oy = p / s.out_w % s.out_h;
    const int64_t ox = p % s.out_w;
    for (int64_t o = 0; o < s.out_channels; ++o) {
      acc[static_cast<size_t>(o)] =
          src_is_unsigned ? Sum(s, static_cast<const uint8_t*>(src) + image, filter, o, oy, ox)
                          : Sum(s, static_cast<const int8_t*>(src) + image, filter, o, oy, ox);
    }
    const int64_t at = p * s.out_channels;
    const auto* r = static_cast<const char*>(residual);
    if (r != nullptr) r += at * residual_size;
    ApplyEpilogueRef(e, acc.data(), 0, s.out_channels, r, static_cast<char*>(dst) + at * dst_size);
  }
}

}  // namespace skiff::kernels
