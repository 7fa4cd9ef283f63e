// Which tensors become integers (docs/numerics.md, "Which tensors are rounded").
#include <gtest/gtest.h>

#include "passes/passes.h"
#include "passes/test_graph.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Grid;
using graph::Node;
using graph::Value;
using testing::Apply;
using testing::CountNodes;
using testing::FindNode;
using testing::Input;
using testing::MarkOutput;
using testing::S8Constant;

const std::vector<int64_t> kMap = {-1, 8, 4, 4};

void RoundInput(Graph& graph, const std::string& name, std::string_view slot, double step) {
  for (Node& node : graph.nodes()) {
    if (node.name == name) node.MutableInEdge(slot)->grid = Grid{{step}};
  }
}

// A convolution that the model quantises, its input on a grid of the given step.
Value* Conv(Graph& graph, Value* x, const std::string& name, double step,
            const std::string& activation = "") {
  Value* filter = S8Constant(graph, name + ".w", {8, 8, 1, 1}, std::vector<int8_t>(64, 1),
                             std::vector<double>(8, 0.01), 0);
  Value* y = Apply(graph, "conv2d", {{"Input", x}, {"Filter", filter}}, "Output", name, kMap);
  graph.nodes().back().SetAttribute("fuse_activation", program::AttrType::kString, activation);
  RoundInput(graph, name, "Input", step);
  return y;
}

std::vector<CarriedSkip> Place(Graph& graph, const std::vector<std::string>& types = {}) {
  std::vector<CarriedSkip> skips;
  const Status status = PlaceInt8(graph, &skips, types);
  EXPECT_TRUE(status.ok()) << status.ToString();
  const Status verified = graph.Verify();
  EXPECT_TRUE(verified.ok()) << verified.ToString() << "\n" << graph.ToString();
  return skips;
}

const Node* Named(const Graph& graph, const std::string& type, const std::string& name) {
  for (const Node& node : graph.nodes()) {
    if (node.type == type && node.name == name) return &node;
  }
  return nullptr;
}

TEST(PlaceInt8, AChainHandsCodesOn) {
  Graph graph;
  Value* a = Conv(graph, Input(graph, "x", kMap), "a", 0.1, "relu");
  Value* b = Conv(graph, a, "b", 0.2);
  MarkOutput(graph, Conv(graph, b, "c", 0.3));
  Place(graph);
  EXPECT_EQ(CountNodes(graph, "quantize"), 1) << graph.ToString();
  EXPECT_EQ(Named(graph, "conv2d", "a")->Out("Output")->dtype, DType::kUInt8) << "behind relu";
  EXPECT_EQ(Named(graph, "conv2d", "b")->Out("Output")->dtype, DType::kInt8) << "may be negative";
  EXPECT_EQ(Named(graph, "conv2d", "c")->Out("Output")->dtype, DType::kFloat32);
  EXPECT_DOUBLE_EQ(Named(graph, "conv2d", "a")->Out("Output")->grid->step[0], 0.2);
}

TEST(PlaceInt8, AResidualIsCarriedAsTheCodesOfItsQuantisedReader) {
  Graph graph;
  Value* a = Conv(graph, Input(graph, "x", kMap), "a", 0.1, "relu");
  Value* b = Conv(graph, a, "b", 0.2);
  graph.AddInput(&graph.nodes().back(), "ResidualData", a);
  MarkOutput(graph, b);
  const std::vector<CarriedSkip> skips = Place(graph);
  ASSERT_EQ(skips.size(), 1U);
  EXPECT_EQ(skips[0].tensor, "a");
  const Node* node = Named(graph, "conv2d", "b");
  EXPECT_EQ(node->In("ResidualData"), node->In("Input"));
}

TEST(PlaceInt8, TwoGridsKeepTheTensorFloat) {
  Graph graph;
  Value* a = Conv(graph, Input(graph, "x", kMap), "a", 0.1, "relu");
  MarkOutput(graph, Conv(graph, a, "b", 0.2));
  MarkOutput(graph, Conv(graph, a, "c", 0.3));
  EXPECT_TRUE(Place(graph).empty());
  EXPECT_EQ(Named(graph, "conv2d", "a")->Out("Output")->dtype, DType::kFloat32);
  EXPECT_EQ(CountNodes(graph, "quantize"), 3);
}

// A maximum is of codes; an average is of floats, and rounds its result.
TEST(PlaceInt8, PoolingPassesIntegersOrWritesThem) {
  for (const std::string type : {"max", "avg"}) {
    Graph graph;
    Value* a = Conv(graph, Input(graph, "x", kMap), "a", 0.1, "relu");
    Value* p = Apply(graph, "pool2d", {{"X", a}}, "Out", "p", {-1, 8, 2, 2});
    graph.nodes().back().SetAttribute("pooling_type", program::AttrType::kString, type);
    MarkOutput(graph, Conv(graph, p, "b", 0.2));
    Place(graph);
    const DType wanted = type == "max" ? DType::kUInt8 : DType::kFloat32;
    EXPECT_EQ(Named(graph, "conv2d", "a")->Out("Output")->dtype, wanted) << type;
    EXPECT_EQ(Named(graph, "pool2d", "p")->Out("Out")->dtype, DType::kUInt8) << type;
    EXPECT_EQ(Named(graph, "conv2d", "b")->In("Input"), Named(graph, "pool2d", "p")->Out("Out"));
  }
}

// Squeeze-and-excite: a product that only a quantised layer reads is written as its codes.
TEST(PlaceInt8, AFloatOperatorWritesTheCodesThatItsOnlyReaderWants) {
  for (const bool only : {true, false}) {
    Graph graph;
    Value* gate = Input(graph, "gate", kMap);
    Value* y = Apply(graph, "elementwise_mul", {{"X", Input(graph, "x", kMap)}, {"Y", gate}}, "Out",
                     "product", kMap);
    MarkOutput(graph, Conv(graph, y, "a", 0.1));
    if (!only) MarkOutput(graph, y);
    Place(graph);
    EXPECT_EQ(CountNodes(graph, "quantize"), only ? 0 : 1);
    const DType wanted = only ? DType::kInt8 : DType::kFloat32;
    EXPECT_EQ(Named(graph, "elementwise_mul", "product")->Out("Out")->dtype, wanted);
  }
}

TEST(PlaceInt8, AQuantisedEdgeOfAFloatOperatorIsRoundedInFloat) {
  Graph graph;
  Value* x = Input(graph, "x", kMap);
  Value* y = Apply(graph, "elementwise_add", {{"X", x}, {"Y", Input(graph, "z", kMap)}}, "Out",
                   "sum", kMap);
  RoundInput(graph, "sum", "X", 0.1);
  MarkOutput(graph, y);
  Place(graph);
  const Node* add = FindNode(graph, "elementwise_add");
  EXPECT_EQ(add->In("X")->producer->type, "dequantize");
  EXPECT_EQ(add->In("X")->producer->In("Input")->producer->type, "quantize");
}

TEST(PlaceInt8, SaysWhyALayerStaysFloat) {
  Graph graph;
  Value* filter = graph.AddFloatConstant("w", {8, 8, 1, 1}, std::vector<float>(64, 1.0F));
  Value* x = Input(graph, "x", kMap);
  Value* a = Apply(graph, "conv2d", {{"Input", x}, {"Filter", filter}}, "Output", "a", kMap);
  Value* b = Conv(graph, a, "b", 0.2);
  graph.nodes().back().MutableInEdge("Input")->grid.reset();
  MarkOutput(graph, b);
  Place(graph);
  EXPECT_EQ(Named(graph, "conv2d", "a")->why_float, "the model does not quantise its weight");
  EXPECT_EQ(Named(graph, "conv2d", "b")->why_float, "the model has no threshold for its input a");
  EXPECT_EQ(Named(graph, "conv2d", "b")->In("Filter")->dtype, DType::kFloat32);
}

// Two activations, both rounded.
Value* Product(Graph& graph, Value* x, Value* y, const std::string& name) {
  Value* out = Apply(graph, "matmul_v2", {{"X", x}, {"Y", y}}, "Out", name, {-1, 4, 4});
  RoundInput(graph, name, "X", 0.1);
  RoundInput(graph, name, "Y", 0.2);
  return out;
}

TEST(PlaceInt8, AProductOfActivationsReadsAndWritesCodes) {
  Graph graph;
  const std::vector<int64_t> square = {-1, 4, 4};
  Value* scores = Product(graph, Input(graph, "q", square), Input(graph, "k", square), "scores");
  Value* shares = Apply(graph, "softmax", {{"X", scores}}, "Out", "shares", square);
  Value* mixed = Product(graph, shares, Input(graph, "v", square), "mixed");
  MarkOutput(graph, Product(graph, mixed, Input(graph, "w", square), "last"));
  Place(graph);
  const Node* first = Named(graph, "matmul_v2", "scores");
  EXPECT_EQ(first->In("X")->dtype, DType::kInt8);
  EXPECT_EQ(first->In("Y")->dtype, DType::kInt8);
  EXPECT_EQ(first->Out("Out")->dtype, DType::kFloat32);
  const Node* second = Named(graph, "matmul_v2", "mixed");
  EXPECT_EQ(second->In("X")->dtype, DType::kUInt8);  // shares are not negative
  EXPECT_EQ(second->Out("Out")->dtype, DType::kInt8);
  EXPECT_EQ(CountNodes(graph, "dequantize"), 0);
}

TEST(PlaceInt8, SaysWhyAProductStaysFloat) {
  const auto why = [](auto change) {
    Graph graph;
    const std::vector<int64_t> square = {-1, 4, 4};
    Value* y = Input(graph, "y", square);
    MarkOutput(graph, Product(graph, Input(graph, "x", square), y, "p"));
    change(graph.nodes().back());
    Place(graph);
    const Node* product = Named(graph, "matmul_v2", "p");
    EXPECT_EQ(product->In("X")->dtype, DType::kFloat32);
    EXPECT_EQ(product->In("Y")->dtype, DType::kFloat32);
    return product->why_float;
  };
  EXPECT_EQ(why([](Node& node) { node.MutableInEdge("Y")->grid.reset(); }),
            "the model has no threshold for its input y");
  EXPECT_EQ(why([](Node& node) { node.MutableInEdge("Y")->grid->max_code = 255; }),
            "its right operand has codes above 127");
  EXPECT_EQ(
      why([](Node& node) { node.SetAttribute("trans_x", program::AttrType::kBoolean, true); }),
      "its left operand is transposed");
}

TEST(PlaceInt8, ATransposedConvolutionReadsAndWritesCodes) {
  for (const int groups : {1, 2}) {
    Graph graph;
    Value* filter = S8Constant(graph, "w", {8, 8 / groups, 2, 2},
                               std::vector<int8_t>(static_cast<size_t>(256 / groups), 1),
                               std::vector<double>(static_cast<size_t>(8 / groups), 0.01), 1);
    Value* x = Conv(graph, Input(graph, "x", kMap), "a", 0.2);
    Value* y = Apply(graph, "conv2d_transpose", {{"Input", x}, {"Filter", filter}}, "Output", "up",
                     {-1, 8, 8, 8});
    graph.nodes().back().SetAttribute("groups", program::AttrType::kInt, int32_t{groups});
    RoundInput(graph, "up", "Input", 0.1);
    MarkOutput(graph, Conv(graph, y, "b", 0.3));
    Place(graph);
    const Node* up = Named(graph, "conv2d_transpose", "up");
    EXPECT_EQ(IsInt8(up->In("Input")->dtype), groups == 1);
    EXPECT_EQ(IsInt8(up->In("Filter")->dtype), groups == 1);
    EXPECT_EQ(IsInt8(up->Out("Output")->dtype), groups == 1);
    EXPECT_EQ(up->why_float,
              groups == 1 ? "" : "no INT8 kernel for grouped transposed convolutions");
  }
}

TEST(PlaceInt8, TypesThatWereNotAskedForAreRoundedInFloat) {
  for (const char* type : {"conv2d", "fc"}) {
    Graph graph;
    MarkOutput(graph, Conv(graph, Input(graph, "x", kMap), "a", 0.2));
    Place(graph, {type});
    const Node* conv = Named(graph, "conv2d", "a");
    const bool asked = type == std::string("conv2d");
    EXPECT_EQ(conv->why_float.empty(), asked);
    EXPECT_EQ(conv->In("Filter")->dtype, asked ? DType::kInt8 : DType::kFloat32);
    EXPECT_EQ(conv->In("Input")->producer->type, asked ? "quantize" : "dequantize");
  }
}

TEST(PlaceInt8, AStemQuantisesOnTheWay) {
  Graph graph;
  Value* x = Input(graph, "x", {-1, 3, 8, 8});
  Value* filter = S8Constant(graph, "w", {8, 3, 1, 1}, std::vector<int8_t>(24, 1), {0.01}, -1);
  Value* y = Apply(graph, "conv2d", {{"Input", x}, {"Filter", filter}}, "Output", "a", kMap);
  RoundInput(graph, "a", "Input", 0.1);
  MarkOutput(graph, y);
  Place(graph);
  EXPECT_EQ(CountNodes(graph, "quantize"), 0);
  EXPECT_TRUE(graph.nodes().front().InEdge("Input")->grid.has_value());
}

}  // namespace
}  // namespace skiff::passes
