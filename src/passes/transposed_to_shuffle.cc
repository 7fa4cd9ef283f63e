// transposed_to_shuffle: a transposed convolution whose windows do not overlap (kernel = stride, no
// padding) is a 1x1 convolution to r * r times the channels, whose results are then laid out as r x
// r pixels. The 1x1 convolution has fast kernels; oneDNN's transposed ones on NHWC are 50 times
// slower for PP-OCR's detection head. Its channels come pixel by pixel (mode DCR): in NHWC a row of
// a block is one run of them.
#include "passes/passes.h"
#include "passes/pattern.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

bool IsPair(const std::vector<int64_t>& values, int64_t value) {
  for (int64_t v : values) {
    if (v != value) return false;
  }
  return !values.empty();
}

// The factor r, or 0 where the node does not qualify.
int64_t ShuffleFactor(const Node& node) {
  const Value* filter = node.In("Filter");
  if (node.type != "conv2d_transpose" || filter == nullptr || FloatData(filter).empty() ||
      ConstantDims(*filter).size() != 4 || node.In("OutputSize") != nullptr ||
      node.InEdge("Input")->grid) {
    return 0;
  }
  program::AttributeReader attributes = node.Attributes();
  const std::vector<int64_t>& dims = ConstantDims(*filter);
  const int64_t r = dims[2];
  const bool plain =
      attributes.String("padding_algorithm", "EXPLICIT") != "SAME" &&
      IsPair(attributes.Ints("paddings", {0, 0}), 0) &&
      IsPair(attributes.Ints("dilations", {1, 1}), 1) && attributes.Int("groups", 1) == 1 &&
      attributes.Ints("output_padding", {}).empty() && attributes.Ints("output_size", {}).empty();
  return plain && r > 1 && dims[3] == r && IsPair(attributes.Ints("strides", {1, 1}), r) ? r : 0;
}

// [I, O, r, r] -> [r * r * O, I, 1, 1].
Value* PointwiseFilter(Graph& graph, const Value& filter, size_t pixels) {
  const auto in = static_cast<size_t>(ConstantDims(filter)[0]);
  const auto out = static_cast<size_t>(ConstantDims(filter)[1]);
  const std::span<const float> w = FloatData(&filter);
  std::vector<float> data(w.size());
  float* to = data.data();
  for (size_t pixel = 0; pixel < pixels; ++pixel) {
    for (size_t o = 0; o < out; ++o) {
      for (size_t i = 0; i < in; ++i) *to++ = w[(i * out + o) * pixels + pixel];
    }
  }
  return graph.AddFloatConstant(
      filter.name, {static_cast<int64_t>(pixels * out), static_cast<int64_t>(in), 1, 1},
      std::move(data));
}

void Rewrite(Graph& graph, Node* node, int64_t r) {
  const auto pixels = static_cast<size_t>(r * r);
  graph.SetInput({node, node->SlotIndex("Filter"), 0},
                 PointwiseFilter(graph, *node->In("Filter"), pixels));
  if (const Value* bias = node->In("Bias")) {
    const std::span<const float> once = FloatData(bias);
    std::vector<float> repeated;
    for (size_t i = 0; i < pixels; ++i) repeated.insert(repeated.end(), once.begin(), once.end());
    const auto n = static_cast<int64_t>(repeated.size());
    graph.SetInput({node, node->SlotIndex("Bias"), 0},
                   graph.AddFloatConstant(bias->name, {n}, std::move(repeated)));
  }
  node->type = "conv2d";
  node->SetAttribute("strides", program::AttrType::kInts, std::vector<int32_t>{1, 1});
  Value* out = node->Out("Output");
  graph.RemoveOutputSlot(node, "Output");
  Value* packed = graph.AddValue(out->name + ".packed", DType::kFloat32, {-1, -1, -1, -1});
  graph.AddOutput(node, "Output", packed);
  Node* shuffle = graph.InsertAfter(node, "pixel_shuffle", out->name);
  shuffle->SetAttribute("upscale_factor", program::AttrType::kInt, static_cast<int32_t>(r));
  shuffle->SetAttribute("mode", program::AttrType::kString, std::string("DCR"));
  graph.AddInput(shuffle, "X", packed);
  graph.AddOutput(shuffle, "Out", out);
  node->name = packed->name;
}

}  // namespace

Status TransposedToShuffle(Graph& graph) {
  for (auto it = graph.nodes().begin(); it != graph.nodes().end();) {
    Node* node = &*it++;
    const int64_t r = ShuffleFactor(*node);
    if (r > 0) Rewrite(graph, node, r);
  }
  return OkStatus();
}

}  // namespace skiff::passes
