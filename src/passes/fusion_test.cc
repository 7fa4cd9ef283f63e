// Fusions and folding, on graphs of a few nodes.
#include <gtest/gtest.h>

#include <cmath>

#include "passes/passes.h"
#include "passes/pattern.h"
#include "passes/test_graph.h"

namespace skiff::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;
using testing::Apply;
using testing::CountNodes;
using testing::FindNode;
using testing::Input;
using testing::MarkOutput;
using testing::S8Constant;

const std::vector<int64_t> kMap = {-1, 2, 4, 4};

Value* Floats(Graph& graph, const std::string& name, std::vector<float> data) {
  const auto n = static_cast<int64_t>(data.size());
  return graph.AddFloatConstant(name, {n}, std::move(data));
}

Value* FloatConv(Graph& graph, Value* x, const std::string& name) {
  Value* filter = graph.AddFloatConstant(name + ".w", {2, 2, 1, 1}, {1, 2, 3, 4});
  return Apply(graph, "conv2d", {{"Input", x}, {"Filter", filter}}, "Output", name, kMap);
}

Value* BatchNorm(Graph& graph, Value* x, const std::string& name) {
  return Apply(graph, "batch_norm",
               {{"X", x},
                {"Scale", Floats(graph, "gamma", {2, -1})},
                {"Bias", Floats(graph, "beta", {0.5, 1})},
                {"Mean", Floats(graph, "mean", {1, 2})},
                {"Variance", Floats(graph, "variance", {4, 1})}},
               "Y", name, kMap);
}

TEST(FoldBatchNorm, ScalesAFloatFilterAndMakesABias) {
  Graph graph;
  MarkOutput(graph, BatchNorm(graph, FloatConv(graph, Input(graph, "x", kMap), "c"), "y"));
  ASSERT_TRUE(FoldBatchNorm(graph).ok());
  ASSERT_TRUE(graph.Verify().ok());
  ASSERT_EQ(graph.nodes().size(), 1U);
  const Node& conv = graph.nodes().front();
  const double a0 = 2 / std::sqrt(4 + 1e-5F);
  const double a1 = -1 / std::sqrt(1 + 1e-5F);
  const auto w = FloatData(conv.In("Filter"));
  EXPECT_FLOAT_EQ(w[1], static_cast<float>(2 * a0));
  EXPECT_FLOAT_EQ(w[2], static_cast<float>(3 * a1));
  const auto b = FloatData(conv.In("Bias"));
  EXPECT_FLOAT_EQ(b[0], static_cast<float>(0.5 - a0));
  EXPECT_FLOAT_EQ(b[1], static_cast<float>(1 - 2 * a1));
  EXPECT_EQ(graph.outputs[0], conv.Out("Output"));
}

TEST(FoldBatchNorm, KeepsTheIntegersOfAQuantisedFilter) {
  Graph graph;
  Value* filter = S8Constant(graph, "w", {2, 2, 1, 1}, {1, -2, 3, 127}, {0.5}, -1);
  Value* conv = Apply(graph, "conv2d", {{"Input", Input(graph, "x", kMap)}, {"Filter", filter}},
                      "Output", "c", kMap);
  MarkOutput(graph, BatchNorm(graph, conv, "y"));
  ASSERT_TRUE(FoldBatchNorm(graph).ok());
  const Value* folded = graph.nodes().front().In("Filter");
  EXPECT_EQ(folded->constant, filter->constant);
  ASSERT_EQ(folded->grid->step.size(), 2U);
  EXPECT_DOUBLE_EQ(folded->grid->step[0], 0.5 * (2 / std::sqrt(4 + double{1e-5F})));
  EXPECT_LT(folded->grid->step[1], 0) << "a negative scale turns the step negative";
}

TEST(FoldBatchNorm, LeavesAConvolutionThatSomebodyElseReads) {
  Graph graph;
  Value* conv = FloatConv(graph, Input(graph, "x", kMap), "c");
  MarkOutput(graph, BatchNorm(graph, conv, "y"));
  MarkOutput(graph, conv);
  ASSERT_TRUE(FoldBatchNorm(graph).ok());
  EXPECT_EQ(CountNodes(graph, "batch_norm"), 1);
}

TEST(FuseBias, TakesAPerChannelConstantOnly) {
  for (const bool per_channel : {true, false}) {
    Graph graph;
    Value* conv = FloatConv(graph, Input(graph, "x", kMap), "c");
    Value* bias = graph.AddFloatConstant(
        "b", per_channel ? std::vector<int64_t>{1, 2, 1, 1} : std::vector<int64_t>{1, 1, 1, 2},
        {1, 2});
    MarkOutput(graph,
               Apply(graph, "elementwise_add", {{"X", conv}, {"Y", bias}}, "Out", "y", kMap));
    ASSERT_TRUE(FuseBias(graph).ok());
    EXPECT_EQ(CountNodes(graph, "elementwise_add"), per_channel ? 0 : 1);
    EXPECT_EQ(FindNode(graph, "conv2d")->In("Bias") != nullptr, per_channel);
  }
}

TEST(FuseBias, MakesFcOfATransposedProduct) {
  Graph graph;
  Value* w = graph.AddFloatConstant("w", {2, 3}, {1, 2, 3, 4, 5, 6});  // [N, K]
  Value* x = Input(graph, "x", {-1, 3});
  Value* product = Apply(graph, "matmul_v2", {{"X", x}, {"Y", w}}, "Out", "p", {-1, 2});
  graph.nodes().front().SetAttribute("trans_y", program::AttrType::kBoolean, true);
  Value* bias = Floats(graph, "b", {1, 2});
  MarkOutput(graph,
             Apply(graph, "elementwise_add", {{"X", product}, {"Y", bias}}, "Out", "y", {-1, 2}));
  ASSERT_TRUE(FuseBias(graph).ok());
  ASSERT_TRUE(graph.Verify().ok());
  ASSERT_EQ(graph.nodes().size(), 1U);
  const Node& fc = graph.nodes().front();
  EXPECT_EQ(fc.type, "fc");
  const auto t = FloatData(fc.In("W"));
  EXPECT_EQ(std::vector<float>(t.begin(), t.end()), (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

TEST(FuseResidual, TheLaterConvolutionTakesTheOther) {
  Graph graph;
  Value* x = Input(graph, "x", kMap);
  Value* first = FloatConv(graph, x, "first");
  Value* second = FloatConv(graph, x, "second");
  MarkOutput(graph,
             Apply(graph, "elementwise_add", {{"X", second}, {"Y", first}}, "Out", "sum", kMap));
  ASSERT_TRUE(FuseResidual(graph).ok());
  ASSERT_TRUE(graph.Verify().ok());
  ASSERT_EQ(graph.nodes().size(), 2U);
  const Node& later = graph.nodes().back();
  EXPECT_EQ(later.name, "sum");
  EXPECT_EQ(later.In("ResidualData"), first);
}

TEST(FuseResidual, DoesNotBroadcast) {
  Graph graph;
  Value* conv = FloatConv(graph, Input(graph, "x", kMap), "c");
  Value* other = Input(graph, "gate", {-1, 2, 1, 1});
  MarkOutput(graph, Apply(graph, "elementwise_add", {{"X", conv}, {"Y", other}}, "Out", "y", kMap));
  ASSERT_TRUE(FuseResidual(graph).ok());
  EXPECT_EQ(CountNodes(graph, "elementwise_add"), 1);
}

TEST(FuseActivation, StopsAtARoundedEdge) {
  for (const bool rounded : {false, true}) {
    Graph graph;
    Value* conv = FloatConv(graph, Input(graph, "x", kMap), "c");
    MarkOutput(graph, Apply(graph, "relu6", {{"X", conv}}, "Out", "y", kMap));
    if (rounded) graph.nodes().back().MutableInEdge("X")->grid = graph::Grid{{0.1}};
    ASSERT_TRUE(FuseActivation(graph).ok());
    EXPECT_EQ(CountNodes(graph, "relu6"), rounded ? 1 : 0);
    const auto fused = FindNode(graph, "conv2d")->Attributes().String("fuse_activation", "");
    EXPECT_EQ(fused, rounded ? "" : "relu6");
  }
}

TEST(TransposedToShuffle, OnlyWhereWindowsDoNotOverlap) {
  for (const int32_t stride : {2, 1}) {
    Graph graph;
    Value* filter = graph.AddFloatConstant("w", {1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
    Value* x = Input(graph, "x", {-1, 1, 4, 4});
    Value* y = Apply(graph, "conv2d_transpose",
                     {{"Input", x}, {"Filter", filter}, {"Bias", Floats(graph, "b", {9, 10})}},
                     "Output", "y", {-1, 2, 8, 8});
    graph.nodes().back().SetAttribute("strides", program::AttrType::kInts,
                                      std::vector<int32_t>{stride, stride});
    MarkOutput(graph, y);
    ASSERT_TRUE(TransposedToShuffle(graph).ok());
    ASSERT_TRUE(graph.Verify().ok());
    EXPECT_EQ(CountNodes(graph, "pixel_shuffle"), stride == 2 ? 1 : 0);
    if (stride != 2) continue;
    const Node* conv = FindNode(graph, "conv2d");
    EXPECT_EQ(ConstantDims(*conv->In("Filter")), (std::vector<int64_t>{8, 1, 1, 1}));
    const auto bias = FloatData(conv->In("Bias"));
    EXPECT_EQ(std::vector<float>(bias.begin(), bias.end()),
              (std::vector<float>{9, 10, 9, 10, 9, 10, 9, 10}));
    // Pixel by pixel: both output channels of (0, 0), of (0, 1), ...
    const auto w = FloatData(conv->In("Filter"));
    EXPECT_EQ(std::vector<float>(w.begin(), w.end()), (std::vector<float>{1, 5, 2, 6, 3, 7, 4, 8}));
  }
}

TEST(FusePad, AddsToTheConvolutionsOwnPadding) {
  Graph graph;
  Value* x = Input(graph, "x", kMap);
  Value* padded = Apply(graph, "pad2d", {{"X", x}}, "Out", "p", {-1, 2, 7, 7});
  graph.nodes().back().SetAttribute("paddings", program::AttrType::kInts,
                                    std::vector<int32_t>{0, 1, 2, 3});
  Value* y = FloatConv(graph, padded, "c");
  graph.nodes().back().SetAttribute("paddings", program::AttrType::kInts,
                                    std::vector<int32_t>{1, 2});
  MarkOutput(graph, y);
  ASSERT_TRUE(FusePad(graph).ok());
  ASSERT_EQ(graph.nodes().size(), 1U);
  EXPECT_EQ(graph.nodes().front().Attributes().Ints("paddings", {}),
            (std::vector<int64_t>{1, 2, 4, 5}));
}

}  // namespace
}  // namespace skiff::passes
