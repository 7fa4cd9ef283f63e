// fold_batch_norm: y = (x - mean) / sqrt(variance + epsilon) * scale + bias, per channel, goes into
// the convolution in front. A float filter is multiplied; an s8 filter keeps its integers and its
// grid's steps are multiplied (and may turn negative).
#include <cmath>

#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

struct Affine {
  std::vector<double> factor;
  std::vector<double> offset;
};

// Empty vectors when the operator's parameters are not all constant and of one length.
Affine ReadAffine(const Node& bn) {
  const auto scale = FloatData(bn.In("Scale"));
  const auto bias = FloatData(bn.In("Bias"));
  const auto mean = FloatData(bn.In("Mean"));
  const auto variance = FloatData(bn.In("Variance"));
  const size_t n = scale.size();
  Affine affine;
  if (n == 0 || bias.size() != n || mean.size() != n || variance.size() != n) return affine;
  const double epsilon = bn.Attributes().Float("epsilon", 1e-5F);
  for (size_t c = 0; c < n; ++c) {
    const double factor = scale[c] / std::sqrt(variance[c] + epsilon);
    affine.factor.push_back(factor);
    affine.offset.push_back(bias[c] - mean[c] * factor);
  }
  return affine;
}

// Position of the output channel in a filter's element index i: (i / inner) % channels.
struct FilterAxis {
  int axis;
  size_t inner;
};

void ScaleFloatFilter(Graph& graph, Node* conv, const FilterAxis& at, const Affine& affine) {
  const Value* filter = conv->In("Filter");
  const std::span<const float> w = FloatData(filter);
  std::vector<float> scaled(w.size());
  for (size_t i = 0; i < w.size(); ++i) {
    scaled[i] = static_cast<float>(w[i] * affine.factor[i / at.inner % affine.factor.size()]);
  }
  Value* value = graph.AddFloatConstant(filter->name, ConstantDims(*filter), std::move(scaled));
  graph.SetInput({conv, conv->SlotIndex("Filter"), 0}, value);
}

void ScaleFilterGrid(Graph& graph, Node* conv, const FilterAxis& at, const Affine& affine) {
  const Value* filter = conv->In("Filter");
  Value* value = graph.AddConstant(filter->name, filter->constant);
  value->grid = filter->grid;
  std::vector<double>& step = value->grid->step;
  if (step.size() == 1) step.assign(affine.factor.size(), step[0]);
  for (size_t c = 0; c < step.size(); ++c) step[c] *= affine.factor[c];
  value->grid->axis = at.axis;
  graph.SetInput({conv, conv->SlotIndex("Filter"), 0}, value);
}

void SetBias(Graph& graph, Node* conv, const Affine& affine, const std::string& name) {
  const std::span<const float> old = FloatData(conv->In("Bias"));
  std::vector<float> bias(affine.offset.size());
  for (size_t c = 0; c < bias.size(); ++c) {
    const double b = old.empty() ? 0.0 : old[c];
    bias[c] = static_cast<float>(b * affine.factor[c] + affine.offset[c]);
  }
  const auto n = static_cast<int64_t>(bias.size());
  graph.RemoveInputSlot(conv, "Bias");
  graph.AddInput(conv, "Bias", graph.AddFloatConstant(name, {n}, std::move(bias)));
}

void FoldInto(Graph& graph, Node* conv) {
  const bool transpose = IsOneOf(conv->type, {"conv2d_transpose", "depthwise_conv2d_transpose"});
  if (!IsConv2d(*conv) && !transpose) return;
  const Value* filter = conv->In("Filter");
  if (conv->Out("Output") == nullptr || filter == nullptr || !filter->constant ||
      ConstantDims(*filter).size() != 4 || conv->In("ResidualData") != nullptr) {
    return;
  }
  Node* bn = OnlyReader(graph, conv->Out("Output"));
  if (bn == nullptr || bn->type != "batch_norm" || bn->InEdge("X")->grid) return;
  if (transpose && conv->Attributes().Int("groups", 1) != 1) return;
  const std::vector<int64_t>& dims = ConstantDims(*filter);
  const FilterAxis at = transpose ? FilterAxis{1, static_cast<size_t>(dims[2] * dims[3])}
                                  : FilterAxis{0, static_cast<size_t>(dims[1] * dims[2] * dims[3])};
  const Affine affine = ReadAffine(*bn);
  const std::span<const float> old_bias = FloatData(conv->In("Bias"));
  if (affine.factor.size() != static_cast<size_t>(dims[static_cast<size_t>(at.axis)]) ||
      (!old_bias.empty() && old_bias.size() != affine.factor.size()) || at.inner == 0) {
    return;
  }
  if (filter->grid) {
    if (filter->grid->step.size() > 1 && filter->grid->axis != at.axis) return;
    ScaleFilterGrid(graph, conv, at, affine);
  } else if (filter->dtype == DType::kFloat32) {
    ScaleFloatFilter(graph, conv, at, affine);
  } else {
    return;
  }
  SetBias(graph, conv, affine, bn->In("Bias")->name);
  TakeOutput(graph, conv, "Output", bn->Out("Y"));
  graph.Erase(bn);
}

}  // namespace

Status FoldBatchNorm(Graph& graph) {
  for (auto it = graph.nodes().begin(); it != graph.nodes().end(); ++it) FoldInto(graph, &*it);
  return OkStatus();
}

}  // namespace skiff::passes
