// Operators that follow the layout of their input give the same elements in either.
#include <gtest/gtest.h>

#include <functional>

#include "ops/testing/op_harness.h"

namespace skiff::ops {
namespace {

using testing::Array;
using testing::Noise;
using testing::OpHarness;

Array Codes(const Dims& dims, DType type) {
  Array array(type, dims);
  uint8_t next = 0;
  for (uint8_t& v : array.As<uint8_t>()) v = next += 3;
  return array;
}

struct LayoutCase {
  const char* name;
  const char* op;
  // Binds inputs and attributes and returns the inputs that are 4-D activations.
  std::function<std::vector<graph::Value*>(OpHarness&)> build;
  const char* out = "Out";
  DType type = DType::kFloat32;
  int outputs = 1;
  bool keeps_rank = true;  // the result has four axes as well
};

std::ostream& operator<<(std::ostream& out, const LayoutCase& c) { return out << c.name; }

const Dims kShape{2, 6, 5, 7};

std::vector<graph::Value*> X(OpHarness& h) { return {h.Input("X", Noise(kShape, 1))}; }

std::vector<graph::Value*> XAndConstant(OpHarness& h, const char* slot, const Dims& dims) {
  auto values = X(h);
  h.Constant(slot, Noise(dims, 2));
  return values;
}

std::vector<graph::Value*> XAndX(OpHarness& h, const char* a, const char* b, const Dims& other) {
  return {h.Input(a, Noise(kShape, 1)), h.Input(b, Noise(other, 2))};
}

std::vector<graph::Value*> Pixels(OpHarness& h, int64_t channels, const char* mode) {
  h.Set("upscale_factor", 2);
  h.Set("mode", mode);
  return {h.Input("X", Noise({2, 4 * channels, 5, 7}, 1))};
}

const LayoutCase kCases[] = {
    {"relu", "relu", X},
    {"add_same", "elementwise_add", [](OpHarness& h) { return XAndX(h, "X", "Y", kShape); }},
    {"mul_squeeze_excite", "elementwise_mul",
     [](OpHarness& h) {
       return XAndX(h, "X", "Y", {2, 6, 1, 1});
     }},
    {"add_map", "elementwise_add",
     [](OpHarness& h) {
       return XAndX(h, "X", "Y", {1, 1, 5, 7});
     }},
    {"add_channel", "elementwise_add",
     [](OpHarness& h) {
       h.Set("axis", 1);
       return XAndConstant(h, "Y", {6});
     }},
    {"sub_channel_full", "elementwise_sub",
     [](OpHarness& h) {
       return XAndConstant(h, "Y", {1, 6, 1, 1});
     }},
    {"div_scalar", "elementwise_div", [](OpHarness& h) { return XAndConstant(h, "Y", {1}); }},
    {"add_whole_constant", "elementwise_add",
     [](OpHarness& h) {
       return XAndConstant(h, "Y", {1, 6, 5, 7});
     }},
    {"add_last_axis", "elementwise_add", [](OpHarness& h) { return XAndConstant(h, "Y", {7}); }},
    {"softmax_channels", "softmax",
     [](OpHarness& h) {
       h.Set("axis", 1);
       return X(h);
     }},
    {"softmax_rows", "softmax",
     [](OpHarness& h) {
       h.Set("axis", 3);
       return X(h);
     }},
    {"fake_quantize_channels", "fake_channel_wise_quantize_dequantize_abs_max",
     [](OpHarness& h) {
       h.Set("quant_axis", 1);
       return X(h);
     }},
    {"fake_quantize_samples", "fake_channel_wise_quantize_abs_max",
     [](OpHarness& h) {
       h.Set("quant_axis", 0);
       return X(h);
     }},
    {"slice", "slice",
     [](OpHarness& h) {
       h.Set("axes", std::vector<int32_t>{1, 2});
       h.Set("starts", std::vector<int32_t>{1, 0});
       h.Set("ends", std::vector<int32_t>{5, -1});
       return std::vector<graph::Value*>{h.Input("Input", Noise(kShape, 1))};
     }},
    {"strided_slice", "strided_slice",
     [](OpHarness& h) {
       h.Set("axes", std::vector<int32_t>{1, 3});
       h.Set("starts", std::vector<int32_t>{5, 0});
       h.Set("ends", std::vector<int32_t>{0, 7});
       h.Set("strides", std::vector<int32_t>{-2, 3});
       return std::vector<graph::Value*>{h.Input("Input", Noise(kShape, 1))};
     }},
    {"concat_channels", "concat",
     [](OpHarness& h) {
       h.Set("axis", 1);
       return XAndX(h, "X", "X", {2, 3, 5, 7});
     }},
    {"concat_rows", "concat",
     [](OpHarness& h) {
       h.Set("axis", 2);
       return XAndX(h, "X", "X", {2, 6, 2, 7});
     }},
    {"split_channels", "split",
     [](OpHarness& h) {
       h.Set("axis", 1);
       h.Set("sections", std::vector<int32_t>{2, -1, 1});
       return X(h);
     },
     "Out", DType::kFloat32, 3},
    {"scale", "scale",
     [](OpHarness& h) {
       h.Set("scale", 3.0F);
       return X(h);
     }},
    {"pad2d", "pad2d",
     [](OpHarness& h) {
       h.Set("paddings", std::vector<int32_t>{1, 0, 2, 1});
       h.Set("pad_value", 0.5F);
       return X(h);
     }},
    {"pad2d_reflect", "pad2d",
     [](OpHarness& h) {
       h.Set("paddings", std::vector<int32_t>{1, 4, 2, 1});
       h.Set("mode", "reflect");
       return X(h);
     }},
    {"pad_channels", "pad",
     [](OpHarness& h) {
       h.Set("paddings", std::vector<int32_t>{0, 0, 1, 2, 0, 1, 0, 0});
       return X(h);
     }},
    {"nearest", "nearest_interp_v2",
     [](OpHarness& h) {
       h.Set("out_h", 11);
       h.Set("out_w", 9);
       return X(h);
     }},
    {"bilinear", "bilinear_interp_v2",
     [](OpHarness& h) {
       h.Set("out_h", 11);
       h.Set("out_w", 9);
       return X(h);
     }},
    {"pixel_shuffle", "pixel_shuffle", [](OpHarness& h) { return Pixels(h, 3, "CRD"); }},
    {"pixel_shuffle_dcr", "pixel_shuffle", [](OpHarness& h) { return Pixels(h, 3, "DCR"); }},
    {"pixel_shuffle_dcr_to_one", "pixel_shuffle", [](OpHarness& h) { return Pixels(h, 1, "DCR"); }},
    {"shuffle_channel", "shuffle_channel",
     [](OpHarness& h) {
       h.Set("group", 3);
       return X(h);
     }},
    {"prelu_channels", "prelu",
     [](OpHarness& h) {
       h.Set("mode", "channel");
       return XAndConstant(h, "Alpha", {6});
     }},
    {"prelu_elements", "prelu",
     [](OpHarness& h) {
       h.Set("mode", "element");
       return XAndConstant(h, "Alpha", {1, 6, 5, 7});
     }},
    {"reduce_kept", "reduce_max",
     [](OpHarness& h) {
       h.Set("dim", std::vector<int32_t>{2, 3});
       h.Set("keep_dim", true);
       return X(h);
     }},
    {"reduce_plane", "reduce_max",
     [](OpHarness& h) {
       h.Set("dim", std::vector<int32_t>{2, 3});
       return X(h);
     },
     "Out", DType::kFloat32, 1, false},
    {"reduce_channels", "reduce_min",
     [](OpHarness& h) {
       h.Set("dim", std::vector<int32_t>{1});
       return X(h);
     },
     "Out", DType::kFloat32, 1, false},
    {"sum", "sum", [](OpHarness& h) { return XAndX(h, "X", "X", kShape); }},
    {"dropout", "dropout", X},
    {"nearest_codes", "nearest_interp",
     [](OpHarness& h) {
       h.Set("scale", 2.0F);
       return std::vector<graph::Value*>{h.Input("X", Codes(kShape, DType::kUInt8))};
     },
     "Out", DType::kUInt8},
    {"concat_codes", "concat",
     [](OpHarness& h) {
       h.Set("axis", 1);
       return std::vector<graph::Value*>{h.Input("X", Codes(kShape, DType::kInt8)),
                                         h.Input("X", Codes({2, 1, 5, 7}, DType::kInt8))};
     },
     "Out", DType::kInt8},
};

class FollowLayoutTest : public ::testing::TestWithParam<LayoutCase> {};

Result<std::vector<Array>> RunCase(const LayoutCase& c, bool nhwc, Isa isa, int threads) {
  OpHarness h(c.op);
  for (graph::Value* x : c.build(h)) {
    if (nhwc) x->layout = graph::Layout::kNhwc;
  }
  for (int k = 0; k < c.outputs; ++k) {
    graph::Value* out = h.Output(c.out, c.type);
    if (nhwc && c.keeps_rank) out->layout = graph::Layout::kNhwc;
  }
  const OpDef* op = FindOp(c.op);
  EXPECT_EQ(op->layout, LayoutRule::kFollow);
  EXPECT_TRUE(!nhwc || op->accepts_nhwc == nullptr || op->accepts_nhwc(h.node()));
  SKIFF_RETURN_IF_ERROR(h.Lower(isa));
  return h.Run(threads);
}

TEST_P(FollowLayoutTest, EitherLayoutGivesTheSame) {
  const auto plain = RunCase(GetParam(), false, Isa::kScalar, 1);
  ASSERT_TRUE(plain.ok()) << plain.status().ToString();
  for (Isa isa : SupportedIsas()) {
    const auto nhwc = RunCase(GetParam(), true, isa, 2);
    ASSERT_TRUE(nhwc.ok()) << nhwc.status().ToString();
    ASSERT_EQ(nhwc->size(), plain->size());
    for (size_t k = 0; k < plain->size(); ++k) {
      const Array& want = (*plain)[k];
      const Array& got = (*nhwc)[k];
      ASSERT_EQ(got.dims(), want.dims());
      if (GetParam().type != DType::kFloat32) {
        EXPECT_EQ(std::memcmp(got.data(), want.data(), want.bytes()), 0);
        continue;
      }
      for (size_t i = 0; i < want.count(); ++i) {
        // Softmax sums in another order.
        ASSERT_NEAR(got.As<float>()[i], want.As<float>()[i], 1e-6) << "at " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, FollowLayoutTest, ::testing::ValuesIn(kCases),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace skiff::ops
