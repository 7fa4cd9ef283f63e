// The steps against kernels::ConvRef: equal bytes on every rung and number of threads.
#include "steps/int8_conv.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "kernels/conv/conv.h"
#include "kernels/convert/convert.h"
#include "steps/int8_fc.h"
#include "steps/testing/step_runner.h"
#include "steps/window.h"

namespace skiff::steps {
namespace {

using testing::Array;
using testing::StepRunner;

struct Problem {
  Int8ConvSpec spec;
  int64_t n = 1, h = 1, w = 1;
  std::vector<int8_t> filter;
};

class Maker {
 public:
  explicit Maker(uint32_t seed) : engine_(seed) {}
  int Int(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  float Float(float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(engine_);
  }

  // Fills in weights, steps and bias.
  void Complete(Problem* p) {
    Int8ConvSpec& s = p->spec;
    const int64_t depth = s.in_channels / s.groups * s.kernel_h * s.kernel_w;
    p->filter.resize(static_cast<size_t>(s.out_channels * depth));
    for (int8_t& v : p->filter) v = static_cast<int8_t>(Int(-127, 127));
    s.filter = p->filter;
    s.filter_step.clear();
    s.bias.clear();
    for (int64_t c = 0; c < s.out_channels; ++c) {
      s.filter_step.push_back(Float(-0.02F, 0.02F));
      s.bias.push_back(Float(-1, 3));
    }
  }

 private:
  std::mt19937 engine_;
};

CodeGrid Grid(const std::string& name, double threshold) {
  if (name == "u7") return {.step = threshold / 127, .is_unsigned = true};
  if (name == "u8") return {.step = threshold / 255, .is_unsigned = true, .max_code = 255};
  return {.step = threshold / 127};
}

kernels::ConvShape ShapeOf(const Problem& p) {
  const Int8ConvSpec& s = p.spec;
  const WindowAxis rows =
      ResolveWindow(s.padding, p.h, s.kernel_h, s.stride_h, {s.pads[0], s.pads[1], s.dilation_h});
  const WindowAxis columns =
      ResolveWindow(s.padding, p.w, s.kernel_w, s.stride_w, {s.pads[2], s.pads[3], s.dilation_w});
  kernels::ConvShape c;
  c.images = p.n;
  c.in_h = p.h;
  c.in_w = p.w;
  c.in_channels = s.in_channels;
  c.out_h = WindowCount(p.h, s.kernel_h, s.stride_h, rows);
  c.out_w = WindowCount(p.w, s.kernel_w, s.stride_w, columns);
  c.out_channels = s.out_channels;
  c.groups = s.groups;
  c.kernel_h = s.kernel_h;
  c.kernel_w = s.kernel_w;
  c.stride_h = s.stride_h;
  c.stride_w = s.stride_w;
  c.dilation_h = rows.dilation;
  c.dilation_w = columns.dilation;
  c.pad_top = rows.before;
  c.pad_left = columns.before;
  return c;
}

// What the specification makes of the problem.
Array Expected(const Problem& p, const Array& x, const Array* residual) {
  const Int8ConvSpec& s = p.spec;
  const kernels::ConvShape shape = ShapeOf(p);
  Array codes(s.input.dtype(), x.dims());
  if (s.input_is_float) {
    const kernels::QuantizeParams params = QuantizeParamsOf(s.input);
    if (s.input_is_nchw) {
      const kernels::QuantizeTranspose fns = {kernels::FindQuantize(Isa::kScalar)->run,
                                              kernels::FindTranspose(1, Isa::kScalar)->run};
      const int64_t image = s.in_channels * p.h * p.w;
      for (int64_t n = 0; n < p.n; ++n) {
        kernels::QuantizeToNhwc(fns, params, x.As<float>().data() + n * image, s.in_channels,
                                p.h * p.w, 0, p.h * p.w,
                                static_cast<char*>(codes.data()) + n * image);
      }
    } else {
      kernels::FindQuantize(Isa::kScalar)
          ->run(params, x.As<float>().data(), static_cast<int64_t>(x.count()), codes.data());
    }
  } else {
    std::memcpy(codes.data(), x.data(), x.bytes());
  }
  EpilogueSpec e;
  e.channels = s.out_channels;
  e.input_step = s.input.step;
  e.weight_step = s.filter_step;
  e.bias = s.bias;
  if (residual != nullptr) {
    const bool is_float = s.residual == Int8ConvSpec::Residual::kFloat;
    e.residual = is_float                      ? kernels::ResidualType::kF32
                 : s.residual_grid.is_unsigned ? kernels::ResidualType::kU8
                                               : kernels::ResidualType::kS8;
    e.residual_step = s.residual_grid.step;
  }
  e.activation = s.activation;
  e.output_is_float = s.output_is_float;
  e.output = s.output;
  const OwnedEpilogue epilogue = MakeEpilogue(e);
  Array y(s.output_is_float ? DType::kFloat32 : s.output.dtype(),
          {p.n, s.out_channels, shape.out_h, shape.out_w});
  kernels::ConvRef(shape, s.input.is_unsigned, codes.data(), s.filter.data(), epilogue.epilogue,
                   residual == nullptr ? nullptr : residual->data(), y.data());
  return y;
}

Array RandomInput(Maker* maker, const Problem& p) {
  const Int8ConvSpec& s = p.spec;
  Array x(s.input_is_float ? DType::kFloat32 : s.input.dtype(), {p.n, s.in_channels, p.h, p.w});
  if (s.input_is_float) {
    for (float& v : x.As<float>()) v = maker->Float(-3, 3);
    return x;
  }
  const int low = s.input.is_unsigned ? 0 : -128;
  for (uint8_t& v : std::span(static_cast<uint8_t*>(x.data()), x.count())) {
    v = static_cast<uint8_t>(maker->Int(low, s.input.max_code));
  }
  return x;
}

void Check(const Problem& p, uint32_t seed) {
  Maker maker(seed);
  const Int8ConvSpec& s = p.spec;
  const kernels::ConvShape shape = ShapeOf(p);
  const Dims out = {p.n, s.out_channels, shape.out_h, shape.out_w};
  std::vector<Array> inputs = {RandomInput(&maker, p)};
  if (s.residual == Int8ConvSpec::Residual::kFloat) {
    inputs.emplace_back(DType::kFloat32, out);
    for (float& v : inputs[1].As<float>()) v = maker.Float(-4, 4);
  } else if (s.residual == Int8ConvSpec::Residual::kCodes) {
    inputs.emplace_back(DType::kUInt8, out);
    for (uint8_t& v : inputs[1].As<uint8_t>()) v = static_cast<uint8_t>(maker.Int(0, 127));
  }
  const Array want = Expected(p, inputs[0], inputs.size() > 1 ? &inputs[1] : nullptr);
  for (const Isa isa : SupportedIsas()) {
    const auto step = MakeInt8Conv(s, isa);
    ASSERT_TRUE(step.ok()) << step.status().ToString();
    for (const int threads : {1, 3}) {
      StepRunner runner(**step, threads);
      const auto got = runner.Run(inputs, {want.dtype()});
      ASSERT_TRUE(got.ok()) << got.status().ToString();
      ASSERT_TRUE((*got)[0].dims() == want.dims());
      ASSERT_EQ(0, std::memcmp((*got)[0].data(), want.data(), want.bytes()))
          << Name(isa) << " threads " << threads << " " << (*step)->Info().kernel;
    }
    EXPECT_EQ((*step)->MultiplyAdds(std::vector<Dims>{inputs[0].dims()}, std::vector<Dims>{out}),
              out.Numel() * s.in_channels / s.groups * s.kernel_h * s.kernel_w);
  }
}

// Channels in and out, kernel, stride, padding, groups.
Problem Make(int64_t ci, int64_t co, int64_t k, int64_t stride, int64_t pad, int64_t groups,
             const std::string& input) {
  Problem p;
  p.h = 9;
  p.w = 11;
  p.spec.in_channels = ci;
  p.spec.out_channels = co;
  p.spec.kernel_h = p.spec.kernel_w = k;
  p.spec.stride_h = p.spec.stride_w = stride;
  p.spec.pads = {pad, pad, pad, pad};
  p.spec.groups = groups;
  p.spec.input = Grid(input, 2.5);
  p.spec.output = Grid("u7", 6.0);
  p.spec.activation.kind = kernels::ActivationKind::kRelu;
  return p;
}

TEST(Int8ConvTest, ShapesAndGrids) {
  uint32_t seed = 1;
  for (const char* input : {"u7", "u8", "s8"}) {
    for (Problem p : {Make(8, 16, 1, 1, 0, 1, input), Make(5, 20, 1, 2, 0, 1, input),
                      Make(12, 24, 3, 1, 1, 1, input), Make(6, 8, 5, 2, 2, 2, input),
                      Make(32, 32, 3, 1, 1, 32, input), Make(40, 40, 3, 2, 1, 40, input),
                      Make(24, 24, 5, 1, 2, 24, input), Make(7, 14, 3, 1, 1, 7, input)}) {
      Maker(seed).Complete(&p);
      Check(p, seed++);
    }
  }
}

TEST(Int8ConvTest, FirstLayerReadsTheUsersFloats) {
  uint32_t seed = 100;
  for (const char* input : {"u7", "u8", "s8"}) {
    for (const bool nchw : {true, false}) {
      for (Problem p : {Make(3, 16, 3, 2, 1, 1, input), Make(3, 24, 7, 2, 3, 1, input),
                        Make(1, 8, 3, 1, 1, 1, input), Make(4, 9, 1, 1, 0, 1, input),
                        Make(20, 20, 3, 1, 1, 20, input), Make(6, 6, 3, 1, 1, 2, input)}) {
        p.n = 2;
        p.spec.input_is_float = true;
        p.spec.input_is_nchw = nchw;
        Maker(seed).Complete(&p);
        Check(p, seed++);
      }
      Problem dilated = Make(3, 8, 3, 1, 2, 1, input);
      dilated.spec.input_is_float = true;
      dilated.spec.input_is_nchw = nchw;
      dilated.spec.dilation_h = dilated.spec.dilation_w = 2;
      Maker(seed).Complete(&dilated);
      Check(dilated, seed++);
    }
  }
}

TEST(Int8ConvTest, PaddingRules) {
  uint32_t seed = 200;
  for (const int64_t groups : {1, 16}) {
    for (const PaddingRule rule :
         {PaddingRule::kExplicit, PaddingRule::kSame, PaddingRule::kValid}) {
      Problem p = Make(16, 16, 3, 2, 0, groups, "u7");
      p.spec.padding = rule;
      p.spec.pads = {0, 1, 2, 0};
      if (rule != PaddingRule::kSame) p.spec.dilation_w = 2;
      Maker(seed).Complete(&p);
      Check(p, seed++);
    }
  }
}

TEST(Int8ConvTest, ResidualsActivationsAndOutputs) {
  using Kind = kernels::ActivationKind;
  using Residual = Int8ConvSpec::Residual;
  uint32_t seed = 300;
  for (const Kind kind :
       {Kind::kNone, Kind::kRelu, Kind::kRelu6, Kind::kLeakyRelu, Kind::kClip, Kind::kHardSwish,
        Kind::kHardSigmoid, Kind::kSigmoid, Kind::kSwish, Kind::kTanh}) {
    for (const Residual residual : {Residual::kNone, Residual::kCodes, Residual::kFloat}) {
      for (const int64_t groups : {1, 16}) {
        Problem p = Make(16, 16, 3, 1, 1, groups, "u7");
        p.spec.activation = {kind, kind == Kind::kSwish ? 1.0F : 1.0F / 6.0F, 0.5F};
        p.spec.residual = residual;
        p.spec.residual_grid = Grid("u7", 4.0);
        p.spec.output_is_float = seed % 3 == 0;
        p.spec.output = Grid(seed % 3 == 1 ? "s8" : "u8", 3.0);
        if (seed % 2 == 0) p.spec.output.round = RoundMode::kHalfAway;
        Maker(seed).Complete(&p);
        Check(p, seed++);
      }
    }
  }
}

TEST(Int8ConvTest, BatchAndManyPositions) {
  Problem p = Make(8, 24, 3, 1, 1, 1, "u7");
  p.n = 3;
  p.h = 24;
  p.w = 21;
  Maker(1).Complete(&p);
  Check(p, 1);
}

TEST(Int8ConvTest, OutputStepFoldsExactlyOnce) {
  EpilogueSpec e;
  e.channels = 1;
  e.input_step = 0.1;
  e.weight_step = {0.3};
  e.bias = {0.7F};
  e.output = {.step = 0.05, .is_unsigned = true};
  e.activation.kind = kernels::ActivationKind::kRelu6;
  const OwnedEpilogue owned = MakeEpilogue(e);
  EXPECT_EQ(owned.m[0], static_cast<float>(0.1 * 0.3 / 0.05));
  EXPECT_EQ(owned.b[0], static_cast<float>(double{0.7F} / 0.05));
  EXPECT_EQ(owned.epilogue.lo, 0.0F);
  EXPECT_EQ(owned.epilogue.hi, static_cast<float>(6 / 0.05));
  e.activation.kind = kernels::ActivationKind::kSwish;
  const OwnedEpilogue real = MakeEpilogue(e);
  EXPECT_EQ(real.m[0], static_cast<float>(0.1 * 0.3));
  EXPECT_EQ(real.epilogue.post, static_cast<float>(1 / 0.05));
}

TEST(Int8ConvTest, SaysWhatIsWrong) {
  Problem p = Make(8, 16, 3, 1, 1, 1, "u7");
  Maker(1).Complete(&p);
  const auto step = MakeInt8Conv(p.spec, Isa::kScalar);
  ASSERT_TRUE(step.ok());
  StepRunner runner(**step);
  const auto wrong = runner.Run({Array(DType::kUInt8, {1, 7, 9, 9})}, {DType::kUInt8});
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.status().message().find("[1, 7, 9, 9]"), std::string::npos);
  EXPECT_FALSE(runner.Run({Array(DType::kUInt8, {8, 9})}, {DType::kUInt8}).ok());

  Int8ConvSpec bad = p.spec;
  bad.groups = 3;
  EXPECT_EQ(MakeInt8Conv(bad, Isa::kScalar).status().code(), StatusCode::kInvalidArgument);
  bad = p.spec;
  bad.bias.pop_back();
  EXPECT_FALSE(MakeInt8Conv(bad, Isa::kScalar).ok());
  bad = p.spec;
  bad.input.step = -1;
  EXPECT_FALSE(MakeInt8Conv(bad, Isa::kScalar).ok());
  bad = p.spec;
  bad.filter = bad.filter.first(10);
  EXPECT_FALSE(MakeInt8Conv(bad, Isa::kScalar).ok());
}

TEST(Int8FcTest, EqualsThePointwiseConvolution) {
  for (const char* input : {"u7", "u8", "s8"}) {
    for (const int64_t rows : {1, 2, 5, 33}) {
      Problem p = Make(37, 29, 1, 1, 0, 1, input);
      p.n = rows;
      p.h = p.w = 1;
      p.spec.output_is_float = true;
      p.spec.activation.kind = kernels::ActivationKind::kNone;
      Maker maker(9);
      maker.Complete(&p);
      const Array x = RandomInput(&maker, p);
      const Array want = Expected(p, x, nullptr);

      Int8FcSpec fc;
      fc.k = 37;
      fc.n = 29;
      std::vector<int8_t> transposed(37 * 29);
      for (size_t k = 0; k < 37; ++k) {
        for (size_t n = 0; n < 29; ++n) transposed[k * 29 + n] = p.filter[n * 37 + k];
      }
      fc.weights = transposed;
      fc.weight_step = p.spec.filter_step;
      fc.bias = p.spec.bias;
      fc.input = p.spec.input;
      fc.in_num_col_dims = 1;
      fc.output_is_float = true;
      for (const Isa isa : SupportedIsas()) {
        const auto step = MakeInt8Fc(fc, isa);
        ASSERT_TRUE(step.ok());
        for (const int threads : {1, 3}) {
          StepRunner runner(**step, threads);
          const auto got = runner.Run({x}, {DType::kFloat32});
          ASSERT_TRUE(got.ok()) << got.status().ToString();
          EXPECT_EQ((*got)[0].dims().ToString(), Dims({rows, 29}).ToString());
          ASSERT_EQ(0, std::memcmp((*got)[0].data(), want.data(), want.bytes()));
        }
      }
    }
  }
}

TEST(Int8FcTest, FlattensAndSaysWhatIsWrong) {
  const std::vector<int8_t> weights(12 * 3, 1);
  Int8FcSpec fc;
  fc.k = 12;
  fc.n = 3;
  fc.weights = weights;
  fc.weight_step = {0.5};
  fc.input = Grid("s8", 2);
  fc.output_is_float = true;
  fc.in_num_col_dims = 2;
  const auto step = MakeInt8Fc(fc, Isa::kScalar);
  ASSERT_TRUE(step.ok());
  StepRunner runner(**step);
  const auto out = runner.Run({Array(DType::kInt8, {2, 5, 4, 3})});
  ASSERT_TRUE(out.ok());
  EXPECT_EQ((*out)[0].dims().ToString(), "[2, 5, 3]");
  EXPECT_FALSE(runner.Run({Array(DType::kInt8, {2, 5, 4, 4})}).ok());
  fc.in_num_col_dims = -1;
  const auto last = MakeInt8Fc(fc, Isa::kScalar);
  ASSERT_TRUE(last.ok());
  StepRunner last_runner(**last);
  const auto rows = last_runner.Run({Array(DType::kInt8, {2, 5, 12})});
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ((*rows)[0].dims().ToString(), "[2, 5, 3]");
}

}  // namespace
}  // namespace skiff::steps
