// Which strides climb, and which must not.
#include <gtest/gtest.h>

#include "passes/passes.h"
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

using Ints = std::vector<int64_t>;

struct Window {
  int64_t kernel = 1;
  int32_t stride = 1;
  int32_t pad = 0;
  std::string algorithm = "EXPLICIT";
};

Value* Conv(Graph& graph, Value* x, const std::string& name, const Window& window,
            Value* residual = nullptr) {
  const auto area = static_cast<size_t>(window.kernel * window.kernel);
  Value* filter = graph.AddFloatConstant(name + ".w", {1, 1, window.kernel, window.kernel},
                                         std::vector<float>(area, 1));
  testing::Slots slots = {{"Input", x}, {"Filter", filter}};
  if (residual != nullptr) slots.emplace_back("ResidualData", residual);
  const int64_t extent = (x->dims[2] - 1) / window.stride + 1;
  Value* out = Apply(graph, "conv2d", slots, "Output", name, {-1, 1, extent, extent});
  const auto ints = program::AttrType::kInts;
  out->producer->SetAttribute("strides", ints, std::vector<int32_t>{window.stride, window.stride});
  out->producer->SetAttribute("paddings", ints, std::vector<int32_t>{window.pad, window.pad});
  out->producer->SetAttribute("padding_algorithm", program::AttrType::kString, window.algorithm);
  return out;
}

Ints StrideOf(const Value* out) { return out->producer->Attributes().Ints("strides", {}); }

TEST(HoistStrides, ClimbOverABlockAndThinOutItsResidual) {
  Graph graph;
  Value* x = Input(graph, "x", {-1, 1, 9, 9});
  Value* three = Conv(graph, x, "three", {3, 1, 1});
  Value* expanded = Conv(graph, three, "expanded", {}, x);
  Value* left = Conv(graph, expanded, "left", {1, 2});
  Value* right = Conv(graph, expanded, "right", {1, 2});
  MarkOutput(graph, left);
  MarkOutput(graph, right);
  ASSERT_TRUE(HoistStrides(graph).ok());
  ASSERT_TRUE(graph.Verify().ok()) << graph.ToString();
  EXPECT_EQ(StrideOf(three), (Ints{2, 2}));
  EXPECT_EQ(three->dims, (Ints{-1, 1, 5, 5}));
  for (const Value* value : {expanded, left, right}) EXPECT_EQ(StrideOf(value), (Ints{1, 1}));
  const Node* thinning = FindNode(graph, "pool2d");
  ASSERT_NE(thinning, nullptr);
  EXPECT_EQ(thinning->In("X"), x);
  EXPECT_EQ(thinning->Attributes().Ints("strides", {}), (Ints{2, 2}));
  EXPECT_EQ(expanded->producer->In("ResidualData"), thinning->Out("Out"));
  EXPECT_EQ(thinning->Out("Out")->dims, (Ints{-1, 1, 5, 5}));
}

TEST(HoistStrides, MultiplyAndReachAResidualsOwnConvolution) {
  Graph graph;
  Value* x = Input(graph, "x", {-1, 1, 9, 9});
  Value* shortcut = Conv(graph, x, "shortcut", {1, 2});
  Value* sum = Conv(graph, x, "sum", {3, 2, 1}, shortcut);
  MarkOutput(graph, Conv(graph, sum, "next", {1, 3}));
  ASSERT_TRUE(HoistStrides(graph).ok());
  ASSERT_TRUE(graph.Verify().ok());
  EXPECT_EQ(StrideOf(sum), (Ints{6, 6}));
  EXPECT_EQ(StrideOf(shortcut), (Ints{6, 6}));
  EXPECT_EQ(CountNodes(graph, "pool2d"), 0) << "nothing is left to thin out";
}

TEST(HoistStrides, StayWhereSomebodyReadsTheRest) {
  const Window strided{1, 2};
  const auto stride_after = [](const auto& read) {
    Graph graph;
    Value* x = Input(graph, "x", {-1, 1, 9, 9});
    Value* conv = Conv(graph, x, "conv", {});
    read(graph, conv);
    EXPECT_TRUE(HoistStrides(graph).ok());
    EXPECT_TRUE(graph.Verify().ok());
    return StrideOf(conv);
  };
  EXPECT_EQ(stride_after([&](Graph& g, Value* v) { MarkOutput(g, Conv(g, v, "a", strided)); }),
            (Ints{2, 2}));
  EXPECT_EQ(stride_after([&](Graph& g, Value* v) {
              MarkOutput(g, Conv(g, v, "a", strided));
              MarkOutput(g, v);
            }),
            (Ints{1, 1}))
      << "an output of the model";
  EXPECT_EQ(stride_after([&](Graph& g, Value* v) {
              MarkOutput(g, Conv(g, v, "a", strided));
              MarkOutput(g, Conv(g, v, "b", {1, 1}));
            }),
            (Ints{1, 1}))
      << "two strides";
  EXPECT_EQ(stride_after([&](Graph& g, Value* v) {
              MarkOutput(g, Conv(g, v, "a", {3, 2, 1}));
            }),
            (Ints{1, 1}))
      << "a 3x3 kernel reads every pixel";
  EXPECT_EQ(stride_after([&](Graph& g, Value* v) {
              MarkOutput(g, Conv(g, v, "a", {1, 2, 1}));
            }),
            (Ints{1, 1}))
      << "the padding moves the pixels that are read";
}

TEST(HoistStrides, LeaveSamePaddingWhichDependsOnTheStride) {
  Graph graph;
  Value* conv = Conv(graph, Input(graph, "x", {-1, 1, 9, 9}), "conv", {3, 1, 0, "SAME"});
  MarkOutput(graph, Conv(graph, conv, "next", {1, 2, 0, "SAME"}));
  ASSERT_TRUE(HoistStrides(graph).ok());
  EXPECT_EQ(StrideOf(conv), (Ints{1, 1}));
}

}  // namespace
}  // namespace skiff::passes
