#include <algorithm>
#include <limits>

#include "ops/pool2d/pool2d.h"
#include "steps/window.h"

namespace skiff::ops {
namespace {

// One window along one axis: the part inside the image, and the elements that an inclusive average
// divides by.
struct Window {
  int64_t begin, end, count;
};

steps::WindowAxis AxisPadding(const Pool2dAttrs& attrs, size_t i, int64_t in) {
  return steps::ResolveWindow(attrs.padding.rule, in, attrs.ksize[i], attrs.strides[i],
                              {attrs.padding.pads[2 * i], attrs.padding.pads[2 * i + 1], 1});
}

Window WindowAt(const Pool2dAttrs& attrs, size_t i, int64_t in, int64_t out, int64_t index) {
  if (attrs.global_pooling) return {0, in, in};
  if (attrs.adaptive) {
    const int64_t begin = index * in / out, end = ((index + 1) * in + out - 1) / out;
    return {begin, end, end - begin};
  }
  const int64_t before = AxisPadding(attrs, i, in).before;
  const int64_t start = index * attrs.strides[i] - before;
  // Paddle clips the window at the padding in front, seen from behind, whatever the one behind is.
  const int64_t stop = std::min(start + attrs.ksize[i], in + before);
  return {std::max<int64_t>(start, 0), std::min(stop, in), stop - start};
}

}  // namespace

Result<Dims> InferPool2d(const Pool2dAttrs& attrs, const Dims& in) {
  if (in.rank() != 4) return InvalidArgument("input is " + in.ToString() + ", not 4-D");
  Dims out{in[0], in[1]};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t extent = in[2 + static_cast<int>(i)];
    int64_t count = attrs.ksize[i];
    if (attrs.global_pooling) {
      count = 1;
    } else if (!attrs.adaptive) {
      count = steps::WindowCount(extent, attrs.ksize[i], attrs.strides[i],
                                 AxisPadding(attrs, i, extent), attrs.ceil_mode);
    }
    if (count < 1) {
      return InvalidArgument("input " + in.ToString() + " is too small for a window of " +
                             std::to_string(attrs.ksize[0]) + "x" + std::to_string(attrs.ksize[1]));
    }
    out.push_back(count);
  }
  return out;
}

void Pool2dRef(const Pool2dAttrs& attrs, const Dims& in, const float* x, const Dims& out,
               float* y) {
  for (int64_t i = 0; i < out.Numel(); ++i) {
    const int64_t column = i % out[3], row = i / out[3] % out[2];
    const float* plane = x + i / (out[3] * out[2]) * in[2] * in[3];
    const Window h = WindowAt(attrs, 0, in[2], out[2], row);
    const Window w = WindowAt(attrs, 1, in[3], out[3], column);
    double sum = 0;
    float maximum = -std::numeric_limits<float>::max();
    for (int64_t iy = h.begin; iy < h.end; ++iy) {
      for (int64_t ix = w.begin; ix < w.end; ++ix) {
        sum += plane[iy * in[3] + ix];
        maximum = std::max(maximum, plane[iy * in[3] + ix]);
      }
    }
    const int64_t inside = (h.end - h.begin) * (w.end - w.begin);
    const int64_t count = attrs.exclusive ? inside : h.count * w.count;
    y[i] = attrs.average ? static_cast<float>(sum / static_cast<double>(count)) : maximum;
  }
}

}  // namespace skiff::ops
