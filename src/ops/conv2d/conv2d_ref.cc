#include "ops/conv2d/conv2d.h"
#include "steps/window.h"

namespace skiff::ops {
namespace {

std::array<steps::WindowAxis, 2> Windows(const Conv2dAttrs& attrs, const Dims& in,
                                         const Dims& filter) {
  const auto axis = [&](int i) {
    const auto at = static_cast<size_t>(i);
    return steps::ResolveWindow(
        attrs.padding.rule, in[2 + i], filter[2 + i], attrs.strides[at],
        {attrs.padding.pads[2 * at], attrs.padding.pads[2 * at + 1], attrs.dilations[at]});
  };
  return {axis(0), axis(1)};
}

// sums[n, o, oy, ox] = products over the group's channels and the kernel's part inside the image.
template <typename Code, typename Weight, typename Sum>
void Sums(const Conv2dAttrs& attrs, const Dims& in, const Code* x, const Dims& filter_dims,
          const Weight* filter, const Dims& out, Sum* sums) {
  const auto axes = Windows(attrs, in, filter_dims);
  const int64_t channels = filter_dims[1], kh = filter_dims[2], kw = filter_dims[3];
  const int64_t per_group = out[1] / attrs.groups;
  for (int64_t i = 0; i < out.Numel(); ++i) {
    const int64_t ox = i % out[3], oy = i / out[3] % out[2], o = i / (out[3] * out[2]) % out[1],
                  n = i / (out[3] * out[2] * out[1]);
    Sum sum = 0;
    for (int64_t c = 0; c < channels; ++c) {
      const Code* plane = x + (n * in[1] + o / per_group * channels + c) * in[2] * in[3];
      const Weight* weights = filter + (o * channels + c) * kh * kw;
      for (int64_t ky = 0; ky < kh; ++ky) {
        const int64_t y = oy * attrs.strides[0] - axes[0].before + ky * axes[0].dilation;
        if (y < 0 || y >= in[2]) continue;
        for (int64_t kx = 0; kx < kw; ++kx) {
          const int64_t at = ox * attrs.strides[1] - axes[1].before + kx * axes[1].dilation;
          if (at < 0 || at >= in[3]) continue;
          sum += static_cast<Sum>(plane[y * in[3] + at]) * static_cast<Sum>(weights[ky * kw + kx]);
        }
      }
    }
    sums[i] = sum;
  }
}

}  // namespace

Result<Dims> InferConv2d(const Conv2dAttrs& attrs, const Dims& input, const Dims& filter) {
  if (input.rank() != 4 || filter.rank() != 4 || input[1] != filter[1] * attrs.groups) {
    return InvalidArgument("input " + input.ToString() + " does not fit filter " +
                           filter.ToString() + " with groups " + std::to_string(attrs.groups));
  }
  const auto axes = Windows(attrs, input, filter);
  Dims out{input[0], filter[0]};
  for (int i = 0; i < 2; ++i) {
    const auto at = static_cast<size_t>(i);
    out.push_back(steps::WindowCount(input[2 + i], filter[2 + i], attrs.strides[at], axes[at]));
    if (out[2 + i] <= 0) {
      return InvalidArgument("input " + input.ToString() + " is too small for filter " +
                             filter.ToString());
    }
  }
  return out;
}

void Conv2dRef(const Conv2dAttrs& attrs, const Dims& in, const float* x, const Dims& filter_dims,
               const float* filter, const float* bias, const float* residual, const Dims& out,
               float* y) {
  std::vector<double> sums(static_cast<size_t>(out.Numel()));
  Sums(attrs, in, x, filter_dims, filter, out, sums.data());
  const int64_t area = out[2] * out[3];
  for (int64_t i = 0; i < out.Numel(); ++i) {
    double sum = sums[static_cast<size_t>(i)];
    if (bias != nullptr) sum += bias[i / area % out[1]];
    if (residual != nullptr) sum += residual[i];
    y[i] = static_cast<float>(ApplyActivationRef(attrs.activation, sum));
  }
}

template <typename Code>
void Conv2dSumsRef(const Conv2dAttrs& attrs, const Dims& in, const Code* x, const Dims& filter_dims,
                   const int8_t* filter, const Dims& out, int32_t* sums) {
  Sums(attrs, in, x, filter_dims, filter, out, sums);
}

template void Conv2dSumsRef(const Conv2dAttrs&, const Dims&, const uint8_t*, const Dims&,
                            const int8_t*, const Dims&, int32_t*);
template void Conv2dSumsRef(const Conv2dAttrs&, const Dims&, const int8_t*, const Dims&,
                            const int8_t*, const Dims&, int32_t*);

}  // namespace skiff::ops
