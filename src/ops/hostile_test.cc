// Attributes and shapes that no honest model has: refused with a message, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "ops/testing/op_harness.h"

namespace skiff::ops {
namespace {

using testing::Array;
using ::testing::HasSubstr;
using testing::OpHarness;
using Ints = std::vector<int32_t>;

constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
constexpr int32_t kMin = std::numeric_limits<int32_t>::min();

struct Refusal {
  const char* op;
  std::function<void(OpHarness&)> build;
  const char* message;
};

void X(OpHarness& h) { h.Input("X", Array(DType::kFloat32, {2, 3, 4, 4})); }

const Refusal kRefusals[] = {
    {"relu", [](OpHarness& h) { h.Input("X", Array(DType::kInt32, {2})); }, "int32"},
    {"relu", [](OpHarness&) {}, "slot X is missing"},
    {"reshape2",
     [](OpHarness& h) {
       X(h), h.Set("shape", Ints{kMax, kMax, kMax, kMax});
     },
     "shape"},
    {"reshape2",
     [](OpHarness& h) {
       X(h), h.Set("shape", Ints{-1, -1});
     },
     "shape"},
    {"reshape2",
     [](OpHarness& h) {
       X(h), h.Set("shape", Ints{-5, 4});
     },
     "shape"},
    {"reshape2",
     [](OpHarness& h) {
       X(h), h.Set("shape", Ints{7, -1});
     },
     "does not fill"},
    {"reshape2",
     [](OpHarness& h) {
       X(h), h.Set("shape", Ints{1, 1, 1, 1, 0});
     },
     "copies axis 4"},
    {"reshape2", [](OpHarness& h) { X(h), h.Set("shape", Ints(9, 1)); }, "9 axes"},
    {"flatten2", [](OpHarness& h) { X(h), h.Set("axis", 9); }, "axis 9"},
    {"flatten_contiguous_range",
     [](OpHarness& h) { X(h), h.Set("start_axis", 3), h.Set("stop_axis", 1); }, "start_axis"},
    {"squeeze2", [](OpHarness& h) { X(h), h.Set("axes", Ints{kMin}); }, "axis"},
    {"unsqueeze2",
     [](OpHarness& h) {
       X(h), h.Set("axes", Ints{0, 0, 0, 0, 0});
     },
     "9 axes"},
    {"unsqueeze2", [](OpHarness& h) { X(h), h.Set("axes", Ints{7}); }, "axis 7"},
    {"transpose2",
     [](OpHarness& h) {
       X(h), h.Set("axis", Ints{0, 1, 2, 2});
     },
     "permutation"},
    {"transpose2",
     [](OpHarness& h) {
       X(h), h.Set("axis", Ints{1, 0});
     },
     "axis"},
    {"transpose2",
     [](OpHarness& h) {
       X(h), h.Set("axis", Ints{kMin, 0, 1, 2});
     },
     "permutation"},
    {"softmax", [](OpHarness& h) { X(h), h.Set("axis", kMin); }, "axis"},
    {"concat", [](OpHarness& h) { X(h), X(h), h.Set("axis", kMax); }, "axis"},
    {"concat",
     [](OpHarness& h) {
       X(h);
       h.Input("X", Array(DType::kFloat32, {2, 3, 4}));
     },
     "cannot be joined"},
    {"split", [](OpHarness& h) { X(h), h.Set("num", 2), h.Set("axis", 1); }, "outputs"},
    {"split", [](OpHarness& h) { X(h), h.Set("sections", Ints{-7}); }, "cannot be split"},
    {"tile",
     [](OpHarness& h) {
       X(h), h.Set("repeat_times", Ints{kMax, kMax, kMax, kMax});
     },
     "shape"},
    {"tile", [](OpHarness& h) { X(h), h.Set("repeat_times", Ints{-1}); }, "expanded"},
    {"expand_v2",
     [](OpHarness& h) {
       X(h), h.Set("shape", Ints{2, 3});
     },
     "expanded"},
    {"expand_v2",
     [](OpHarness& h) {
       X(h), h.Set("shape", Ints{2, 3, 4, 5});
     },
     "expanded"},
    {"pad", [](OpHarness& h) { X(h), h.Set("paddings", Ints{1}); }, "paddings"},
    {"pad", [](OpHarness& h) { X(h), h.Set("paddings", Ints(8, -1)); }, "paddings"},
    {"pad", [](OpHarness& h) { X(h), h.Set("paddings", Ints(8, kMax)); }, "shape"},
    {"pad2d",
     [](OpHarness& h) {
       X(h), h.Set("mode", "reflect"), h.Set("paddings", Ints{4, 0, 0, 0});
     },
     "paddings"},
    {"pad2d", [](OpHarness& h) { X(h), h.Set("mode", "wrong"); }, "mode wrong"},
    {"nearest_interp_v2", [](OpHarness& h) { X(h), h.Set("out_h", kMax), h.Set("out_w", -3); },
     "shape"},
    {"bilinear_interp", [](OpHarness& h) { X(h), h.Set("scale", 1e30F); }, "shape"},
    {"reduce_sum", [](OpHarness& h) { X(h), h.Set("dim", Ints{4}); }, "axis 4"},
    {"arg_max", [](OpHarness& h) { X(h), h.Set("axis", kMax); }, "axis"},
    {"layer_norm_", [](OpHarness& h) { X(h), h.Set("begin_norm_axis", 4); }, "begin_norm_axis"},
    {"pixel_shuffle", [](OpHarness& h) { X(h), h.Set("upscale_factor", 0); }, "upscale_factor"},
    {"pixel_shuffle", [](OpHarness& h) { X(h), h.Set("upscale_factor", 2); }, "upscale_factor"},
    {"shuffle_channel", [](OpHarness& h) { X(h), h.Set("group", 2); }, "group"},
    {"fill_constant",
     [](OpHarness& h) {
       h.Set("shape", Ints{kMax, kMax, kMax});
     },
     "shape"},
    {"fill_constant", [](OpHarness& h) { h.Set("shape", Ints{-2}); }, "shape"},
    {"fill_constant", [](OpHarness& h) { h.Set("str_value", "ten"); }, "str_value"},
    {"fake_quantize_dequantize_abs_max", [](OpHarness& h) { X(h), h.Set("bit_length", 99); },
     "bit_length"},
    {"fake_quantize_dequantize_abs_max", [](OpHarness& h) { X(h), h.Set("round_type", 2); },
     "round_type"},
    {"fake_quantize_range_abs_max", X, "slot InScale is missing"},
    {"fake_channel_wise_dequantize_max_abs",
     [](OpHarness& h) {
       X(h);
       h.Constant("Scales", Array(DType::kFloat32, {5}));
     },
     "5 scales"},
    {"gather",
     [](OpHarness& h) {
       X(h);
       h.Input("Index", Array(DType::kInt32, {1, 2}, Ints{0, 0}));
     },
     "index of shape"},
    {"gather",
     [](OpHarness& h) {
       X(h);
       h.Input("Index", Array(DType::kInt32, {2}, Ints{0, -1}));
     },
     "index -1"},
    {"elementwise_add",
     [](OpHarness& h) {
       X(h);
       h.Input("Y", Array(DType::kFloat32, {3})), h.Set("axis", kMax);
     },
     "do not broadcast"},
    {"elementwise_add",
     [](OpHarness& h) {
       X(h);
       h.Input("Y", Array(DType::kFloat32, {5}));
     },
     "do not broadcast"},
    {"elementwise_add",
     [](OpHarness& h) {
       X(h);
       h.Input("Y", Array(DType::kInt32, {4}));
     },
     "int32"},
};

TEST(HostileTest, EveryRefusalSaysWhy) {
  for (const Refusal& r : kRefusals) {
    const bool is_layer_norm = std::string_view(r.op) == "layer_norm_";
    OpHarness h(is_layer_norm ? "layer_norm" : r.op);
    r.build(h);
    const bool index = std::string_view(r.op) == "arg_max";
    h.Output(is_layer_norm ? "Y" : "Out", index ? DType::kInt64 : DType::kFloat32);
    Status status = h.Lower();
    if (status.ok()) status = h.Run().status();
    ASSERT_FALSE(status.ok()) << r.op << " should say " << r.message;
    EXPECT_THAT(status.message(), HasSubstr(r.message)) << r.op;
  }
}

TEST(HostileTest, SliceClampsWhatItCan) {
  OpHarness h("strided_slice");
  h.Input("Input", Array(DType::kInt32, {5}, Ints{1, 2, 3, 4, 5}));
  h.Output("Out", DType::kInt32);
  h.Set("axes", Ints{0});
  h.Set("starts", Ints{kMin});
  h.Set("ends", Ints{kMax});
  h.Set("strides", Ints{kMax});
  auto out = h.LowerAndRun();
  ASSERT_TRUE(out.ok()) << out.status().ToString();
  EXPECT_EQ(out->dims(), Dims{1});
  EXPECT_EQ(out->As<int32_t>()[0], 1);
}

TEST(HostileTest, EmptyAndZeroStrideSlicesAreErrors) {
  for (const int stride : {1, 0}) {
    OpHarness h("strided_slice");
    h.Input("Input", Array(DType::kInt32, {5}, Ints{1, 2, 3, 4, 5}));
    h.Output("Out", DType::kInt32);
    h.Set("axes", Ints{0});
    h.Set("starts", Ints{3});
    h.Set("ends", Ints{3});
    h.Set("strides", Ints{stride});
    EXPECT_THAT(h.LowerAndRun().status().message(), HasSubstr(stride ? "is empty" : "stride 0"));
  }
}

TEST(HostileTest, IntegerDivisionByZeroIsAnError) {
  for (const char* op : {"elementwise_div", "elementwise_mod", "elementwise_floordiv"}) {
    OpHarness h(op);
    h.Input("X", Array(DType::kInt32, {2}, Ints{4, 5}));
    h.Input("Y", Array(DType::kInt32, {2}, Ints{1, 0}));
    h.Output("Out", DType::kInt32);
    EXPECT_THAT(h.LowerAndRun().status().message(), HasSubstr("divided by zero"));
  }
}

}  // namespace
}  // namespace skiff::ops
