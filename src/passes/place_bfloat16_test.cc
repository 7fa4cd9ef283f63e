#include <gtest/gtest.h>

#include "passes/passes.h"
#include "passes/test_graph.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Value;
using testing::Apply;
using testing::CountNodes;
using testing::FindNode;
using testing::Input;
using testing::MarkOutput;

const std::vector<int64_t> kDims{1, 4, 5, 5};

Value* Filter(Graph& graph, const std::string& name) {
  return graph.AddFloatConstant(name + ".w", {4, 4, 1, 1}, std::vector<float>(16, 1));
}

Value* Conv(Graph& graph, Value* x, const std::string& name, Value* residual = nullptr,
            const std::string& type = "conv2d") {
  testing::Slots slots{{"Input", x}, {"Filter", Filter(graph, name)}};
  if (residual != nullptr) slots.emplace_back("ResidualData", residual);
  Value* out = Apply(graph, type, slots, "Output", name, kDims);
  out->layout = graph::Layout::kNhwc;
  return out;
}

Value* Relu(Graph& graph, Value* x, const std::string& name) {
  return Apply(graph, "relu", {{"X", x}}, "Out", name, kDims);
}

void Place(Graph& graph, const std::vector<std::string>& types = {}) {
  ASSERT_TRUE(PlaceBfloat16(graph, types).ok());
  const Status status = graph.Verify();
  ASSERT_TRUE(status.ok()) << status.ToString();
}

TEST(PlaceBfloat16, StoresWhatOnlyConvolutionsRead) {
  Graph graph;
  Value* a = Conv(graph, Input(graph, "x", kDims), "a");
  Value* b = Conv(graph, a, "b", nullptr, "depthwise_conv2d");
  Value* c = Conv(graph, b, "c");
  MarkOutput(graph, c);
  Place(graph);
  EXPECT_EQ(a->dtype, DType::kBFloat16);
  EXPECT_EQ(b->dtype, DType::kBFloat16);
  EXPECT_EQ(c->dtype, DType::kFloat32) << "the user reads it";
  EXPECT_EQ(CountNodes(graph, "to_bfloat16"), 1);
  EXPECT_EQ(a->producer->In("Input"), FindNode(graph, "to_bfloat16")->Out("Out"));
  EXPECT_EQ(graph.inputs[0]->dtype, DType::kFloat32);
}

TEST(PlaceBfloat16, OneConversionServesAllReaders) {
  Graph graph;
  Value* x = Relu(graph, Input(graph, "x", kDims), "r");
  MarkOutput(graph, Conv(graph, x, "a"));
  MarkOutput(graph, Conv(graph, x, "b"));
  Place(graph);
  EXPECT_EQ(CountNodes(graph, "to_bfloat16"), 1);
  EXPECT_EQ(FindNode(graph, "to_bfloat16")->In("X"), x);
}

TEST(PlaceBfloat16, WhatAnotherOperatorReadsToo_StaysFloat32) {
  Graph graph;
  Value* a = Conv(graph, Input(graph, "x", kDims), "a");
  MarkOutput(graph, Relu(graph, a, "r"));
  Value* b = Conv(graph, a, "b");
  MarkOutput(graph, b);
  Place(graph);
  EXPECT_EQ(a->dtype, DType::kFloat32);
  EXPECT_EQ(CountNodes(graph, "to_bfloat16"), 2);
  EXPECT_EQ(b->producer->In("Input")->dtype, DType::kBFloat16);
}

// A residual is stored as the sum that it is added to: what the end of a chain of blocks is stored
// as decides for those before it.
TEST(PlaceBfloat16, ResidualIsStoredAsTheSum) {
  for (const bool ends_in_conv : {true, false}) {
    SCOPED_TRACE(ends_in_conv);
    Graph graph;
    Value* a = Conv(graph, Input(graph, "x", kDims), "a");
    Value* b = Conv(graph, a, "b", a);
    Value* c = Conv(graph, b, "c", b);
    MarkOutput(graph, ends_in_conv ? Conv(graph, c, "d") : Relu(graph, c, "d"));
    Place(graph);
    const DType stored = ends_in_conv ? DType::kBFloat16 : DType::kFloat32;
    for (const Value* value : {a, b, c}) EXPECT_EQ(value->dtype, stored) << value->name;
    for (const Value* value : {b, c}) {
      EXPECT_EQ(value->producer->In("ResidualData")->dtype, stored);
      EXPECT_EQ(value->producer->In("Input")->dtype, DType::kBFloat16);
    }
  }
}

TEST(PlaceBfloat16, ResidualInFloat32IsConverted) {
  Graph graph;
  Value* skip = Relu(graph, Input(graph, "x", kDims), "skip");
  Value* a = Conv(graph, skip, "a", skip);
  MarkOutput(graph, Conv(graph, a, "b"));
  Place(graph);
  EXPECT_EQ(a->dtype, DType::kBFloat16);
  EXPECT_EQ(a->producer->In("ResidualData"), a->producer->In("Input"));
}

TEST(PlaceBfloat16, ConvertsInFrontOfAChangeOfLayout) {
  Graph graph;
  Value* x = Input(graph, "x", kDims);
  Value* moved = Apply(graph, "transfer_layout", {{"X", x}}, "Out", "x", kDims);
  moved->layout = graph::Layout::kNhwc;
  MarkOutput(graph, Conv(graph, moved, "a"));
  Place(graph);
  const graph::Node* convert = FindNode(graph, "to_bfloat16");
  EXPECT_EQ(convert->In("X"), x);
  EXPECT_EQ(convert->Out("Out")->layout, graph::Layout::kNhwc);
  EXPECT_TRUE(moved->uses.empty());
}

TEST(PlaceBfloat16, OnlyTheTypesAskedFor) {
  for (const char* type : {"conv2d", "fc", "mul", "depthwise_conv2d"}) {
    SCOPED_TRACE(type);
    Graph graph;
    Value* a = Conv(graph, Input(graph, "x", kDims), "a", nullptr, "depthwise_conv2d");
    Value* weight = graph.AddFloatConstant("w", {100, 2}, std::vector<float>(200, 1));
    Value* y = Apply(graph, "fc", {{"Input", a}, {"W", weight}}, "Out", "y", {1, 2});
    MarkOutput(graph, y);
    Place(graph, {type});
    const bool convolution = std::string(type).find("conv") != std::string::npos;
    EXPECT_EQ(a->producer->In("Input")->dtype, convolution ? DType::kBFloat16 : DType::kFloat32);
    EXPECT_EQ(y->producer->In("Input")->dtype, convolution ? DType::kFloat32 : DType::kBFloat16);
  }
}

TEST(PlaceBfloat16, LeavesIntegersAndRoundedInputsAlone) {
  Graph graph;
  Value* x = Input(graph, "x", kDims);
  Value* codes =
      testing::S8Constant(graph, "w", {4, 4, 1, 1}, std::vector<int8_t>(16, 1), {0.1}, -1);
  Value* a = Apply(graph, "conv2d", {{"Input", x}, {"Filter", codes}}, "Output", "a", kDims);
  Value* b = Conv(graph, a, "b");
  b->producer->MutableInEdge("Input")->grid = graph::Grid{{0.1}, -1};
  MarkOutput(graph, b);
  Place(graph);
  EXPECT_EQ(CountNodes(graph, "to_bfloat16"), 0);
  EXPECT_EQ(a->dtype, DType::kFloat32);
}

}  // namespace
}  // namespace skiff::passes
