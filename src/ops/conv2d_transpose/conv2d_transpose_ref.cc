#include <vector>

#include "ops/conv2d_transpose/conv2d_transpose.h"
#include "steps/window.h"

namespace skiff::ops {
namespace {

struct Scatter {
  const Conv2dTransposeAttrs& attrs;
  const Dims& in;
  const Dims& filter;
  const Dims& out;
  std::array<steps::WindowAxis, 2> axes;

  // One element of the input meets the whole kernel of one output channel; `plane` is that
  // channel's part of the output.
  void Add(int64_t y, int64_t x, double value, const float* kernel, double* plane) const {
    for (int64_t ky = 0; ky < filter[2]; ++ky) {
      const int64_t oy = y * attrs.strides[0] + ky * axes[0].dilation - axes[0].before;
      if (oy < 0 || oy >= out[2]) continue;
      for (int64_t kx = 0; kx < filter[3]; ++kx) {
        const int64_t ox = x * attrs.strides[1] + kx * axes[1].dilation - axes[1].before;
        if (ox < 0 || ox >= out[3]) continue;
        plane[oy * out[3] + ox] += value * kernel[ky * filter[3] + kx];
      }
    }
  }
};

}  // namespace

void Conv2dTransposeRef(const Conv2dTransposeAttrs& attrs, const Dims& in, const float* x,
                        const Dims& filter_dims, const float* filter, const float* bias,
                        const Dims& out, float* y) {
  Scatter scatter{attrs, in, filter_dims, out, {}};
  for (size_t i = 0; i < 2; ++i) {
    const int axis = 2 + static_cast<int>(i);
    scatter.axes[i] = steps::ResolveWindow(
        attrs.padding.rule, in[axis], filter_dims[axis], attrs.strides[i],
        {attrs.padding.pads[2 * i], attrs.padding.pads[2 * i + 1], attrs.dilations[i]});
  }
  const int64_t area = out[2] * out[3], kernel_area = filter_dims[2] * filter_dims[3];
  const int64_t per_group = filter_dims[1], in_per_group = in[1] / attrs.groups;
  std::vector<double> sums(static_cast<size_t>(out.Numel()));
  for (int64_t i = 0; i < in.Numel(); ++i) {
    const int64_t ix = i % in[3], iy = i / in[3] % in[2], c = i / (in[3] * in[2]) % in[1],
                  n = i / (in[3] * in[2] * in[1]);
    for (int64_t o = 0; o < per_group; ++o) {
      const int64_t channel = c / in_per_group * per_group + o;
      scatter.Add(iy, ix, x[i], filter + (c * per_group + o) * kernel_area,
                  sums.data() + (n * out[1] + channel) * area);
    }
  }
  for (int64_t i = 0; i < out.Numel(); ++i) {
    const double b = bias == nullptr ? 0.0 : bias[i / area % out[1]];
    y[i] =
        static_cast<float>(ApplyActivationRef(attrs.activation, sums[static_cast<size_t>(i)] + b));
  }
}

}  // namespace skiff::ops
