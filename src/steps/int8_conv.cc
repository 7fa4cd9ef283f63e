#include "steps/int8_conv.h"

#include <algorithm>
#include <string>

#include "steps/int8_conv_steps.h"

namespace skiff::steps {
namespace {

std::string Count(int64_t n) { return std::to_string(n); }

Status CheckShape(const Int8ConvSpec& s) {
  for (const int64_t v : {s.in_channels, s.out_channels, s.groups, s.kernel_h, s.kernel_w,
                          s.stride_h, s.stride_w, s.dilation_h, s.dilation_w}) {
    if (v < 1)
      return InvalidArgument("a channel count, group, kernel, stride or dilation is " + Count(v));
  }
  for (const int64_t pad : s.pads) {
    if (pad < 0) return InvalidArgument("a padding is " + Count(pad));
  }
  if (s.in_channels % s.groups != 0 || s.out_channels % s.groups != 0) {
    return InvalidArgument(Count(s.in_channels) + " input and " + Count(s.out_channels) +
                           " output channels do not divide into " + Count(s.groups) + " groups");
  }
  const int64_t depth = s.in_channels / s.groups * s.kernel_h * s.kernel_w;
  if (static_cast<int64_t>(s.filter.size()) != s.out_channels * depth) {
    return InvalidArgument("the filter has " + Count(static_cast<int64_t>(s.filter.size())) +
                           " weights; its extents say " + Count(s.out_channels * depth));
  }
  if (depth > kernels::MaxConvDepth(s.input.max_code)) {
    return Unsupported("one output sums " + Count(depth) +
                       " products, which may overflow 32 bits; at most " +
                       Count(kernels::MaxConvDepth(s.input.max_code)) + " are possible");
  }
  if (s.kernel_h * s.kernel_w > kernels::kMaxConvTaps) {
    return Unsupported("a kernel of " + Count(s.kernel_h) + " x " + Count(s.kernel_w) +
                       " in INT8; at most " + Count(kernels::kMaxConvTaps) +
                       " positions are possible");
  }
  return OkStatus();
}

Status CheckPerChannel(size_t size, bool may_be_one, int64_t channels, const char* what) {
  const auto n = static_cast<int64_t>(size);
  if (n == channels || (may_be_one && n == 1)) return OkStatus();
  return InvalidArgument(std::string(what) + " has " + Count(n) + " elements for " +
                         Count(channels) + " output channels");
}

Status CheckSpec(const Int8ConvSpec& s) {
  SKIFF_RETURN_IF_ERROR(CheckGrid(s.input, "the input"));
  SKIFF_RETURN_IF_ERROR(CheckShape(s));
  SKIFF_RETURN_IF_ERROR(
      CheckPerChannel(s.filter_step.size(), true, s.out_channels, "the filter's scale"));
  if (!s.bias.empty()) {
    SKIFF_RETURN_IF_ERROR(CheckPerChannel(s.bias.size(), false, s.out_channels, "the bias"));
  }
  if (s.residual == Int8ConvSpec::Residual::kCodes) {
    SKIFF_RETURN_IF_ERROR(CheckGrid(s.residual_grid, "the residual"));
  }
  return s.output_is_float ? OkStatus() : CheckGrid(s.output, "the output");
}

OwnedEpilogue EpilogueOf(const Int8ConvSpec& s) {
  EpilogueSpec e;
  e.channels = s.out_channels;
  e.max_sum = MaxSum(s.input, s.in_channels / s.groups * s.kernel_h * s.kernel_w);
  e.input_step = s.input.step;
  e.weight_step = s.filter_step;
  e.bias = s.bias;
  if (s.residual == Int8ConvSpec::Residual::kFloat) {
    e.residual = kernels::ResidualType::kF32;
  } else if (s.residual == Int8ConvSpec::Residual::kCodes) {
    e.residual =
        s.residual_grid.is_unsigned ? kernels::ResidualType::kU8 : kernels::ResidualType::kS8;
    e.residual_step = s.residual_grid.step;
  }
  e.activation = s.activation;
  e.output_is_float = s.output_is_float;
  e.output = s.output;
  return MakeEpilogue(e);
}

ConvWindow WindowOf(const Int8ConvSpec& s) {
  const bool same = s.padding == PaddingRule::kSame;
  ConvWindow w;
  w.in_channels = s.in_channels;
  w.out_channels = s.out_channels;
  w.kernel_h = s.kernel_h;
  w.kernel_w = s.kernel_w;
  w.stride_h = s.stride_h;
  w.stride_w = s.stride_w;
  w.rule = s.padding;
  w.vertical = {s.pads[0], s.pads[1], same ? 1 : s.dilation_h};
  w.horizontal = {s.pads[2], s.pads[3], same ? 1 : s.dilation_w};
  w.has_residual = s.residual != Int8ConvSpec::Residual::kNone;
  w.multiply_adds_per_output = s.in_channels / s.groups * s.kernel_h * s.kernel_w;
  return w;
}

}  // namespace

Result<ConvPlace> ConvWindow::Place(const Dims& x) const {
  if (x.rank() != 4) {
    return InvalidArgument("the input of a convolution must have 4 dimensions; it is " +
                           x.ToString());
  }
  if (x[1] != in_channels) {
    return InvalidArgument("the input " + x.ToString() + " has " + Count(x[1]) +
                           " channels; the filter wants " + Count(in_channels));
  }
  const WindowAxis rows = ResolveWindow(rule, x[2], kernel_h, stride_h, vertical);
  const WindowAxis columns = ResolveWindow(rule, x[3], kernel_w, stride_w, horizontal);
  ConvPlace place;
  place.images = x[0];
  place.in_h = x[2];
  place.in_w = x[3];
  place.rows = rows;
  place.columns = columns;
  place.out_h = WindowCount(x[2], kernel_h, stride_h, rows);
  place.out_w = WindowCount(x[3], kernel_w, stride_w, columns);
  const Dims padded = {x[0], x[1], x[2] + rows.before + rows.after,
                       x[3] + columns.before + columns.after};
  if (x[0] < 0 || place.out_h < 1 || place.out_w < 1 || padded.Numel() < 0) {
    return InvalidArgument("the input " + x.ToString() + " is too small for a kernel of " +
                           Count(kernel_h) + " x " + Count(kernel_w));
  }
  return place;
}

Status ConvWindow::Reshape(ShapeContext& shapes, ConvPlace* place) const {
  SKIFF_ASSIGN_OR_RETURN(*place, Place(shapes.in(0)));
  const Dims out = {place->images, out_channels, place->out_h, place->out_w};
  if (has_residual && !(shapes.in(1) == out)) {
    return InvalidArgument("the residual " + shapes.in(1).ToString() +
                           " is added to an output of " + out.ToString());
  }
  shapes.set_out(0, out);
  return OkStatus();
}

Result<std::unique_ptr<Step>> MakeInt8Conv(const Int8ConvSpec& spec, Isa isa) {
  SKIFF_RETURN_IF_ERROR(CheckSpec(spec));
  const ConvWindow window = WindowOf(spec);
  const bool depthwise = spec.groups == spec.in_channels && spec.groups == spec.out_channels;
  return depthwise ? MakeDepthwiseConv(spec, window, EpilogueOf(spec), isa)
                   : MakeGeneralConv(spec, window, EpilogueOf(spec), isa);
}

}  // namespace skiff::steps
