#include "ops/conv2d/conv2d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ops/testing/case_file.h"
#include "ops/testing/op_harness.h"
#include "steps/int8_grid.h"

namespace skiff::ops {
namespace {

using testing::Array;
using testing::CaseLine;
using ::testing::HasSubstr;
using testing::Noise;
using testing::OpHarness;

void SetAttributes(const CaseLine& c, OpHarness* h) {
  for (const char* name : {"strides", "paddings", "dilations"}) {
    if (c.Has(name)) h->Set(name, c.Ints(name));
  }
  for (const char* name : {"padding_algorithm", "data_format"}) {
    if (c.Has(name)) h->Set(name, c.Text(name).c_str());
  }
  h->Set("groups", c.Int("groups", 1));
  h->Set("fuse_activation", c.Text("act").c_str());
  h->Set("fuse_alpha", c.Float("alpha", 0));
  h->Set("fuse_beta", c.Float("beta", 0));
}

class Conv2dCaseTest : public ::testing::TestWithParam<CaseLine> {};

TEST_P(Conv2dCaseTest, FloatStepIsTheReference) {
  const CaseLine& c = GetParam();
  OpHarness h(c.name);
  SetAttributes(c, &h);
  const Dims in = c.Extents("in"), filter_dims = c.Extents("filter");
  const Array x = Noise(in, 1), filter = Noise(filter_dims, 2, -0.5F, 0.5F);
  const Array bias = Noise({filter_dims[0]}, 3);
  h.Input("Input", x);
  h.Constant("Filter", filter);
  if (c.Has("bias")) h.Constant("Bias", bias);
  auto attrs = ParseConv2d(h.node());
  ASSERT_TRUE(attrs.ok()) << attrs.status().ToString();
  auto out = InferConv2d(*attrs, in, filter_dims);
  ASSERT_TRUE(out.ok()) << out.status().ToString();
  const Array residual = Noise(*out, 4);
  if (c.Has("residual")) h.Input("ResidualData", residual);
  h.Output("Output");

  Array want(DType::kFloat32, *out);
  Conv2dRef(*attrs, in, x.As<float>().data(), filter_dims, filter.As<float>().data(),
            c.Has("bias") ? bias.As<float>().data() : nullptr,
            c.Has("residual") ? residual.As<float>().data() : nullptr, *out,
            want.As<float>().data());
  const Status status = h.Lower();
  ASSERT_TRUE(status.ok()) << status.ToString();
  for (const bool in_place : {false, true}) {
    auto got = h.Run(in_place ? 2 : 1, in_place);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    ASSERT_EQ((*got)[0].dims(), *out);
    for (size_t i = 0; i < want.count(); ++i) {
      ASSERT_NEAR((*got)[0].As<float>()[i], want.As<float>()[i], 1e-5) << "at " << i;
    }
  }
  EXPECT_THAT(h.step().Info().kernel, HasSubstr("onednn:"));
}

INSTANTIATE_TEST_SUITE_P(Cases, Conv2dCaseTest,
                         ::testing::ValuesIn(testing::ReadCases(SKIFF_SOURCE_DIR
                                                                "/src/ops/conv2d/cases.txt")));

// A 3x3 convolution over [1, 2, 5, 5] with what a test wants to be wrong.
OpHarness SmallConv() {
  OpHarness h("conv2d");
  h.Input("Input", Noise({1, 2, 5, 5}, 1));
  h.Constant("Filter", Noise({4, 2, 3, 3}, 2));
  h.Output("Output");
  return h;
}

TEST(Conv2dRefusalTest, SaysWhatIsWrong) {
  struct Case {
    const char* message;
    void (*spoil)(OpHarness*);
  };
  const Case cases[] = {
      {"strides must be two values of at least 1",
       [](OpHarness* h) {
         h->Set("strides", std::vector<int32_t>{0, 1});
       }},
      {"paddings has 3 values",
       [](OpHarness* h) {
         h->Set("paddings", std::vector<int32_t>{1, 1, 1});
       }},
      {"paddings has a negative value",
       [](OpHarness* h) {
         h->Set("paddings", std::vector<int32_t>{-1, 1});
       }},
      {"padding_algorithm WIDE", [](OpHarness* h) { h->Set("padding_algorithm", "WIDE"); }},
      {"data_format NHWC", [](OpHarness* h) { h->Set("data_format", "NHWC"); }},
      {"fused activation cosh", [](OpHarness* h) { h->Set("fuse_activation", "cosh"); }},
      {"groups 3", [](OpHarness* h) { h->Set("groups", 3); }},
      {"does not have one element per channel",
       [](OpHarness* h) { h->Constant("Bias", Noise({3}, 1)); }},
  };
  for (const Case& c : cases) {
    OpHarness h = SmallConv();
    c.spoil(&h);
    EXPECT_THAT(h.Lower().ToString(), HasSubstr(c.message));
  }
}

TEST(Conv2dRefusalTest, AComputedFilterIsUnsupported) {
  OpHarness h("conv2d");
  h.Input("Input", Noise({1, 2, 5, 5}, 1));
  h.Input("Filter", Noise({4, 2, 3, 3}, 2));
  h.Output("Output");
  const Status status = h.Lower();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(status.ToString(), HasSubstr("filter Filter is computed"));
}

TEST(Conv2dRefusalTest, ImpossibleExtentsAreAnErrorOfTheRun) {
  for (const Dims& in : {Dims{1, 2, 2, 5}, Dims{1, 3, 5, 5}, Dims{2, 5, 5}}) {
    OpHarness h("conv2d");
    h.Input("Input", Noise(in, 1));
    h.Constant("Filter", Noise({4, 2, 3, 3}, 2));
    h.Output("Output");
    const auto result = h.LowerAndRun();
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument) << in.ToString();
    EXPECT_THAT(result.status().ToString(), HasSubstr(in.ToString()));
  }
}

TEST(Conv2dTest, AnEmptyBatchGivesAnEmptyResult) {
  OpHarness h("conv2d");
  h.Input("Input", Array(DType::kFloat32, {0, 2, 5, 5}));
  h.Constant("Filter", Noise({4, 2, 3, 3}, 2));
  h.Output("Output");
  auto result = h.LowerAndRun();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->dims(), (Dims{0, 4, 3, 3}));
}

// ---- integers

graph::Grid ActivationGrid(double step, bool is_unsigned) {
  graph::Grid grid;
  grid.step = {step};
  grid.is_unsigned = is_unsigned;
  return grid;
}

Array Codes(DType dtype, const Dims& dims, unsigned seed) {
  Array array(dtype, dims);
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int> codes(dtype == DType::kUInt8 ? 0 : -127, 127);
  for (int8_t& v : std::span(static_cast<int8_t*>(array.data()), array.count())) {
    v = static_cast<int8_t>(codes(generator));
  }
  return array;
}

// Small steps that differ per channel; every fifth is negative, as batch norm can make it.
graph::Grid FilterGrid(int64_t channels) {
  graph::Grid grid;
  grid.axis = 0;
  for (int64_t c = 0; c < channels; ++c) {
    grid.step.push_back((c % 5 == 4 ? -1 : 1) * 0.002 * static_cast<double>(c % 7 + 1));
  }
  return grid;
}

struct Int8Case {
  DType input;  // kFloat32: rounded on the way
  DType residual = DType::kUndefined;
  DType output = DType::kFloat32;
  const char* activation = "";
};

constexpr double kInStep = 0.02, kResidualStep = 0.03, kOutStep = 0.05;

// What the operator says: exact sums, then the epilogue's reference, element by element.
template <typename Code>
Array Int8Reference(const Int8Case& c, const Conv2dAttrs& attrs, const Array& codes,
                    const Array& filter, const Array& bias, const Array& residual) {
  const Dims out = *InferConv2d(attrs, codes.dims(), filter.dims());
  std::vector<int32_t> sums(static_cast<size_t>(out.Numel()));
  Conv2dSumsRef(attrs, codes.dims(), codes.As<Code>().data(), filter.dims(),
                filter.As<int8_t>().data(), out, sums.data());
  steps::EpilogueSpec spec;
  spec.channels = out[1];
  spec.input_step = kInStep;
  spec.weight_step = FilterGrid(out[1]).step;
  spec.bias.assign(bias.As<float>().begin(), bias.As<float>().end());
  spec.residual = c.residual == DType::kUInt8     ? kernels::ResidualType::kU8
                  : c.residual == DType::kInt8    ? kernels::ResidualType::kS8
                  : c.residual == DType::kFloat32 ? kernels::ResidualType::kF32
                                                  : kernels::ResidualType::kNone;
  spec.residual_step = kResidualStep;
  spec.activation = *ToInt8Activation(attrs.activation);
  spec.output_is_float = c.output == DType::kFloat32;
  spec.output.step = kOutStep;
  spec.output.is_unsigned = c.output == DType::kUInt8;
  const steps::OwnedEpilogue epilogue = steps::MakeEpilogue(spec);
  Array want(c.output, out);
  const size_t size = SizeOf(c.output);
  const int64_t area = out[2] * out[3];
  for (int64_t i = 0; i < out.Numel(); ++i) {
    const auto at = static_cast<size_t>(i);
    const auto* r = static_cast<const std::byte*>(residual.data());
    kernels::ApplyEpilogueRef(epilogue.epilogue, &sums[at], i / area % out[1], 1,
                              r == nullptr ? nullptr : r + at * SizeOf(c.residual),
                              static_cast<std::byte*>(want.data()) + at * size);
  }
  return want;
}

class Conv2dInt8Test : public ::testing::TestWithParam<Int8Case> {};

TEST_P(Conv2dInt8Test, EveryRungIsTheReference) {
  const Int8Case& c = GetParam();
  const bool stem = c.input == DType::kFloat32;
  const Dims in{2, 8, 7, 9}, filter_dims{12, 8, 3, 3};
  // A float input lies on the grid already, so that rounding it gives these codes back.
  const Array codes = Codes(stem ? DType::kInt8 : c.input, in, 1);
  Array x = codes;
  if (stem) {
    x = Array(DType::kFloat32, in);
    for (size_t i = 0; i < x.count(); ++i) {
      x.As<float>()[i] = static_cast<float>(codes.As<int8_t>()[i] * kInStep);
    }
  }
  const Array filter = Codes(DType::kInt8, filter_dims, 2), bias = Noise({12}, 3);
  OpHarness h("conv2d");
  h.Set("paddings", std::vector<int32_t>{1, 1});
  h.Set("fuse_activation", c.activation);
  const graph::Grid in_grid = ActivationGrid(kInStep, c.input == DType::kUInt8);
  h.Input("Input", x, stem ? std::nullopt : std::optional(in_grid));
  if (stem) h.node().MutableInEdge("Input")->grid = in_grid;
  h.Constant("Filter", filter, FilterGrid(12));
  h.Constant("Bias", bias);
  const Conv2dAttrs attrs = *ParseConv2d(h.node());
  const Dims out = *InferConv2d(attrs, in, filter_dims);
  Array residual;
  if (c.residual != DType::kUndefined) {
    residual = IsInt8(c.residual) ? Codes(c.residual, out, 4) : Noise(out, 4);
    h.Input("ResidualData", residual,
            IsInt8(c.residual)
                ? std::optional(ActivationGrid(kResidualStep, c.residual == DType::kUInt8))
                : std::nullopt);
  }
  h.Output("Output", c.output,
           IsInt8(c.output) ? std::optional(ActivationGrid(kOutStep, c.output == DType::kUInt8))
                            : std::nullopt);
  const Array want = codes.dtype() == DType::kUInt8
                         ? Int8Reference<uint8_t>(c, attrs, codes, filter, bias, residual)
                         : Int8Reference<int8_t>(c, attrs, codes, filter, bias, residual);
  for (const Isa isa : SupportedIsas()) {
    const Status status = h.Lower(isa);
    ASSERT_TRUE(status.ok()) << status.ToString();
    auto got = h.Run();
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    ASSERT_EQ((*got)[0].dims(), out);
    EXPECT_EQ(std::memcmp((*got)[0].data(), want.data(), want.bytes()), 0)
        << Name(isa) << " " << h.step().Info().kernel;
  }
}

constexpr DType kF32 = DType::kFloat32, kU8 = DType::kUInt8, kS8 = DType::kInt8;
INSTANTIATE_TEST_SUITE_P(Cases, Conv2dInt8Test,
                         ::testing::Values(Int8Case{kU8}, Int8Case{kS8},
                                           Int8Case{kU8, DType::kUndefined, kU8, "relu"},
                                           Int8Case{kU8, DType::kUndefined, kS8, "hard_swish"},
                                           Int8Case{kS8, DType::kUndefined, kU8, "relu6"},
                                           Int8Case{kU8, kU8, kU8, "relu"}, Int8Case{kU8, kS8, kS8},
                                           Int8Case{kS8, kF32, kF32, "leaky_relu"},
                                           Int8Case{kF32, DType::kUndefined, kU8, "relu"}));

TEST(Conv2dInt8RefusalTest, ScalesAlongTheWrongAxis) {
  OpHarness h("conv2d");
  h.Input("Input", Codes(kU8, {1, 2, 5, 5}, 1), ActivationGrid(0.1, true));
  graph::Grid grid = FilterGrid(2);
  grid.axis = 1;
  h.Constant("Filter", Codes(kS8, {4, 2, 3, 3}, 2), grid);
  h.Output("Output");
  EXPECT_THAT(h.Lower().ToString(), HasSubstr("2 scales along axis 1"));
}

}  // namespace
}  // namespace skiff::ops
