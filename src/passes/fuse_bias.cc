// fuse_bias: a per-channel constant added after a convolution or a matrix product becomes its Bias;
// a product with a constant matrix becomes Paddle's fc.
#include <algorithm>

#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

bool IsConvolution(const Node& node) {
  return IsConv2d(node) || IsOneOf(node.type, {"conv2d_transpose", "depthwise_conv2d_transpose"});
}

// Channels that a node with a constant weight writes along `channel_axis` of its output; 0: none.
int64_t OutputChannels(const Node& node) {
  if (IsConvolution(node)) {
    const Value* filter = node.In("Filter");
    if (filter == nullptr || !filter->constant || ConstantDims(*filter).size() != 4) return 0;
    if (IsConv2d(node)) return ConstantDims(*filter)[0];
    return ConstantDims(*filter)[1] * node.Attributes().Int("groups", 1);
  }
  const Value* w = node.type == "fc" ? node.In("W") : nullptr;
  return w != nullptr && w->constant && ConstantDims(*w).size() == 2 ? ConstantDims(*w)[1] : 0;
}

// True when `bias`, added to a tensor of `rank` with the given `axis`, runs along `channel_axis`.
bool RunsAlongChannels(const Value& bias, int64_t axis, int64_t rank, int64_t channel_axis,
                       int64_t channels) {
  const std::vector<int64_t>& dims = ConstantDims(bias);
  const auto bias_rank = static_cast<int64_t>(dims.size());
  if (bias_rank > rank) return false;
  const int64_t start = bias_rank == rank ? 0 : (axis < 0 ? rank - bias_rank : axis);
  for (int64_t d = 0; d < bias_rank; ++d) {
    const int64_t want = start + d == channel_axis ? channels : 1;
    if (dims[static_cast<size_t>(d)] != want) return false;
  }
  return start <= channel_axis && channel_axis < start + bias_rank;
}

std::vector<float> Sum(std::span<const float> a, std::span<const float> b) {
  std::vector<float> sum(b.begin(), b.end());
  for (size_t i = 0; i < a.size() && i < sum.size(); ++i) sum[i] += a[i];
  return sum;
}

void FuseAdd(Graph& graph, Node* node) {
  const int64_t channels = OutputChannels(*node);
  Value* out = node->Out(node->type == "fc" ? "Out" : "Output");
  if (channels == 0 || out == nullptr || node->In("ResidualData") != nullptr) return;
  Node* add = OnlyReader(graph, out);
  if (add == nullptr || add->type != "elementwise_add") return;
  const graph::Edge* x = add->InEdge("X");
  const graph::Edge* y = add->InEdge("Y");
  if (x == nullptr || y == nullptr || x->grid || y->grid) return;
  const Value* bias = x->value == out ? y->value : x->value;
  const std::span<const float> data = FloatData(bias);
  if (data.size() != static_cast<size_t>(channels)) return;
  // The sum's shape is the product's: the bias never has the higher rank, checked just below.
  const auto rank = IsConvolution(*node) ? int64_t{4} : static_cast<int64_t>(out->dims.size());
  const int64_t channel_axis = IsConvolution(*node) ? 1 : rank - 1;
  const int64_t axis = add->Attributes().Int("axis", -1);
  if (rank == 0 || !RunsAlongChannels(*bias, axis, rank, channel_axis, channels)) return;
  const Value* old = node->In("Bias");
  if (old != nullptr && FloatData(old).size() != data.size()) return;
  Value* sum = graph.AddFloatConstant(bias->name, {channels}, Sum(FloatData(old), data));
  graph.RemoveInputSlot(node, "Bias");
  graph.AddInput(node, "Bias", sum);
  TakeOutput(graph, node, node->type == "fc" ? "Out" : "Output", add->Out("Out"));
  graph.Erase(add);
}

// The constant right operand as [K, N], or null. A transposed one is transposed here, once.
Value* RightMatrix(Graph& graph, const Node& node) {
  Value* y = node.In("Y");
  if (y == nullptr || !y->constant || ConstantDims(*y).size() != 2) return nullptr;
  const bool transposed =
      node.Attributes().Bool(node.type == "matmul" ? "transpose_Y" : "trans_y", false);
  if (node.type == "mul" || !transposed) return y;
  const auto n = static_cast<size_t>(ConstantDims(*y)[0]);
  const auto k = static_cast<size_t>(ConstantDims(*y)[1]);
  const size_t size = SizeOf(y->constant->dtype);
  auto data = std::make_shared<std::vector<std::byte>>(n * k * size);
  const std::byte* src = y->constant->data.bytes.data();
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < k; ++j) {
      std::copy_n(src + (i * k + j) * size, size, data->data() + (j * n + i) * size);
    }
  }
  auto tensor = std::make_shared<program::Tensor>();
  tensor->dtype = y->constant->dtype;
  tensor->dims = {static_cast<int64_t>(k), static_cast<int64_t>(n)};
  tensor->data = {data, *data};
  Value* value = graph.AddConstant(y->name, std::move(tensor));
  value->grid = y->grid;
  if (value->grid && value->grid->axis >= 0) value->grid->axis = 1 - value->grid->axis;
  return value;
}

// Number of leading dimensions of X that fc keeps; 0 when the product is no fc.
int64_t ColumnDims(const Node& node) {
  program::AttributeReader attributes = node.Attributes();
  const Value* x = node.In("X");
  if (node.type == "mul") {
    return attributes.Int("y_num_col_dims", 1) == 1 ? attributes.Int("x_num_col_dims", 1) : 0;
  }
  const bool transposed = attributes.Bool(node.type == "matmul" ? "transpose_X" : "trans_x", false);
  const bool scaled = node.type == "matmul" && attributes.Float("alpha", 1) != 1;
  const auto rank = static_cast<int64_t>(x->dims.size());
  return transposed || scaled || rank < 2 ? 0 : rank - 1;
}

void MakeFc(Graph& graph, Node* node) {
  if (!IsOneOf(node->type, {"mul", "matmul", "matmul_v2"})) return;
  const graph::Edge* y_edge = node->InEdge("Y");
  if (node->In("X") == nullptr || node->In("X")->constant || y_edge == nullptr || y_edge->grid ||
      IsInt8(node->In("X")->dtype) || node->inputs.size() != 2) {
    return;
  }
  const int64_t columns = ColumnDims(*node);
  Value* w = columns > 0 ? RightMatrix(graph, *node) : nullptr;
  if (w == nullptr) return;
  const graph::Edge x = *node->InEdge("X");
  graph.RemoveInputSlot(node, "X");
  graph.RemoveInputSlot(node, "Y");
  node->type = "fc";
  node->attributes.clear();
  node->SetAttribute("in_num_col_dims", program::AttrType::kInt, static_cast<int32_t>(columns));
  graph.AddInput(node, "Input", x.value);
  node->MutableInEdge("Input")->grid = x.grid;
  graph.AddInput(node, "W", w);
}

}  // namespace

Status FuseBias(Graph& graph) {
  for (Node& node : graph.nodes()) MakeFc(graph, &node);
  for (auto it = graph.nodes().begin(); it != graph.nodes().end(); ++it) FuseAdd(graph, &*it);
  return OkStatus();
}

}  // namespace skiff::passes
