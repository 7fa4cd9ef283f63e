// Sliding windows along one axis: the padding and extent rules that convolution and pooling share
// (docs/formats.md). Pure functions.
#pragma once

#include <algorithm>
#include <cstdint>

namespace skiff::steps {

enum class PaddingRule {
  kExplicit,
  kSame,   // as many windows as strides fit; resets a convolution's dilation to 1
  kValid,  // none
};

struct WindowAxis {
  int64_t before = 0;  // padding in front of the first element
  int64_t after = 0;
  int64_t dilation = 1;
};

// What `rule` makes of the explicit values `given` for an axis of `in` elements.
inline WindowAxis ResolveWindow(PaddingRule rule, int64_t in, int64_t kernel, int64_t stride,
                                const WindowAxis& given) {
  switch (rule) {
    case PaddingRule::kExplicit: return given;
    case PaddingRule::kValid: return {0, 0, given.dilation};
    case PaddingRule::kSame: break;
  }
  const int64_t total =
      std::max<int64_t>(((in + stride - 1) / stride - 1) * stride + kernel - in, 0);
  return {total / 2, total - total / 2, 1};
}

// Number of windows; zero or less when there is none. Paddle divides with truncation towards zero,
// so a window that sticks out by less than a stride still counts: PP-OCR's classifier pools 2 x 2
// over a map one row high.
inline int64_t WindowCount(int64_t in, int64_t kernel, int64_t stride, const WindowAxis& axis,
                           bool ceil_mode = false) {
  const int64_t room = in + axis.before + axis.after - (axis.dilation * (kernel - 1) + 1);
  return (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
}

// Extent of a transposed convolution's output: `output_size` where it is not 0, else what the
// windows cover and `output_padding` at the end.
inline int64_t TransposedExtent(int64_t in, int64_t kernel, int64_t stride, const WindowAxis& axis,
                                int64_t output_padding, int64_t output_size) {
  if (output_size > 0) return output_size;
  return (in - 1) * stride - axis.before - axis.after + axis.dilation * (kernel - 1) + 1 +
         output_padding;
}

}  // namespace skiff::steps
