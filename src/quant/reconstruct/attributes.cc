#include "quant/reconstruct/attributes.h"

#include <string>

#include "ops/window_attributes.h"
#include "program/attributes.h"
#include "quant/operators.h"
#include "steps/window.h"

namespace skiff::quant {
namespace {

using Kind = ActivationFunction::Kind;
using program::AttributeReader;
using program::OpDesc;

void SetPadding(const ops::Padding& padding, const Dims& x, WindowGeometry* window) {
  for (size_t i = 0; i < 2; ++i) {
    const steps::WindowAxis axis = steps::ResolveWindow(
        padding.rule, x[static_cast<int>(i) + 2], window->kernel[i], window->stride[i],
        {padding.pads[2 * i], padding.pads[2 * i + 1], window->dilation[i]});
    window->before[i] = axis.before;
    window->after[i] = axis.after;
    window->dilation[i] = axis.dilation;
  }
}

}  // namespace

std::optional<Broadcast> MakeBroadcast(const Dims& large, const Dims& small, int64_t axis) {
  const int start = static_cast<int>(axis < 0 ? large.rank() - small.rank() : axis);
  int begin = 0;
  int end = small.rank();
  while (begin < end && small[begin] == 1) ++begin;
  while (end > begin && small[end - 1] == 1) --end;
  if (start < 0 || start + end > large.rank()) return std::nullopt;
  for (int i = begin; i < end; ++i) {
    if (large[start + i] != small[i]) return std::nullopt;
  }
  return Broadcast{large.Product(0, start + begin), small.Product(begin, end),
                   large.Product(start + end, large.rank())};
}

int64_t BroadcastAxis(const OpDesc& op) { return AttributeReader(op.attributes).Int("axis", -1); }

Result<ActivationFunction> ReadActivation(const OpDesc& op) {
  AttributeReader a(op.attributes);
  ActivationFunction f;
  if (op.type == "relu") {
    f = {Kind::kLeaky, 0};
  } else if (op.type == "relu6") {
    f = {Kind::kClip, 0, 6};
  } else if (op.type == "leaky_relu") {
    f = {Kind::kLeaky, a.Float("alpha", 0.02F)};
  } else if (op.type == "hard_swish") {
    f = {Kind::kHardSwish, 3, 6, 6};
  } else if (op.type == "hard_sigmoid") {
    f = {Kind::kHardSigmoid, a.Float("slope", 0.2F), a.Float("offset", 0.5F)};
  } else if (op.type == "sigmoid") {
    f = {Kind::kSigmoid};
  } else if (op.type == "swish") {
    f = {Kind::kSwish, 1};
  } else if (op.type == "tanh") {
    f = {Kind::kTanh};
  } else if (op.type == "scale" && OnlyName(op.inputs, "ScaleTensor").empty()) {
    f = {Kind::kAffine, a.Float("scale", 1), a.Float("bias", 0)};
    if (!a.Bool("bias_after_scale", true)) f.b *= f.a;
  } else {
    return Unsupported("no such activation, or slot ScaleTensor");
  }
  SKIFF_RETURN_IF_ERROR(a.status());
  return f;
}

Result<ConvolutionAttributes> ReadConvolution(const OpDesc& op, const Dims& x, const Dims& filter) {
  AttributeReader attributes(op.attributes);
  ConvolutionAttributes result;
  WindowGeometry& window = result.window;
  SKIFF_ASSIGN_OR_RETURN(window.stride, ops::ReadPair(attributes, "strides", 1, 1));
  SKIFF_ASSIGN_OR_RETURN(window.dilation, ops::ReadPair(attributes, "dilations", 1, 1));
  SKIFF_ASSIGN_OR_RETURN(const ops::Padding padding, ops::ReadPadding(attributes));
  result.groups = attributes.Int("groups", 1);
  const std::string fused = attributes.String("fuse_activation", "");
  SKIFF_RETURN_IF_ERROR(ops::RequireChannelsFirst(attributes));
  if (!OnlyName(op.inputs, "Bias").empty() || !OnlyName(op.inputs, "ResidualData").empty() ||
      !fused.empty() || filter.rank() != 4) {
    return Unsupported("a fused convolution, or one that is not 2-D");
  }
  window.kernel = {filter[2], filter[3]};
  SetPadding(padding, x, &window);
  return result;
}

Result<PoolGeometry> ReadPool(const OpDesc& op, const Dims& x) {
  AttributeReader attributes(op.attributes);
  PoolGeometry pool;
  pool.average = attributes.String("pooling_type", "") == "avg";
  pool.exclusive = attributes.Bool("exclusive", true);
  pool.adaptive = attributes.Bool("adaptive", false) || attributes.Bool("global_pooling", false);
  SKIFF_RETURN_IF_ERROR(ops::RequireChannelsFirst(attributes));
  if (pool.adaptive) return pool;
  SKIFF_ASSIGN_OR_RETURN(pool.window.kernel, ops::ReadPair(attributes, "ksize", 1, 1));
  SKIFF_ASSIGN_OR_RETURN(pool.window.stride, ops::ReadPair(attributes, "strides", 1, 1));
  SKIFF_ASSIGN_OR_RETURN(const ops::Padding padding, ops::ReadPadding(attributes));
  SetPadding(padding, x, &pool.window);
  return pool;
}

Result<ProductAttributes> ReadProduct(const OpDesc& op, const Dims& x, const Dims& weight) {
  AttributeReader attributes(op.attributes);
  const bool left = attributes.Bool("transpose_X", false) || attributes.Bool("trans_x", false);
  const bool right = attributes.Bool("transpose_Y", false) || attributes.Bool("trans_y", false);
  const bool scaled = attributes.Float("alpha", 1) != 1;
  const bool folded = attributes.Int("y_num_col_dims", 1) != 1;
  const int64_t columns = attributes.Int("x_num_col_dims", 1);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (weight.rank() != 2 || left || scaled || folded) {
    return Unsupported("a product that is no plain matrix product");
  }
  ProductAttributes result{.k = weight[right ? 1 : 0],
                           .n = weight[right ? 0 : 1],
                           .transposed = right,
                           .from = op.type == "mul" ? static_cast<int>(columns) : x.rank() - 1};
  if (result.from < 1 || result.from > x.rank() || x.Product(result.from, x.rank()) != result.k) {
    return Unsupported("its left operand is " + x.ToString());
  }
  return result;
}

}  // namespace skiff::quant
