// Every kernel of every rung that this CPU has, against the plain loops: equal bytes.
#include "kernels/conv/conv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "kernels/testing/random.h"

namespace skiff::kernels {
namespace {

using testing::Buffer;
using testing::Random;
using testing::RandomEpilogue;

struct Case {
  ConvShape shape;
  int64_t pad_bottom = 0, pad_right = 0;
};

// h, w, channels in and out, kernel, stride, dilation, padding, groups, images.
Case MakeCase(int64_t h, int64_t w, int64_t ci, int64_t co, int64_t k, int64_t s = 1, int64_t d = 1,
              int64_t pad = 0, int64_t groups = 1, int64_t images = 1) {
  Case c;
  c.shape = {.images = images,
             .in_h = h,
             .in_w = w,
             .in_channels = ci,
             .out_channels = co,
             .groups = groups,
             .kernel_h = k,
             .kernel_w = k,
             .stride_h = s,
             .stride_w = s,
             .dilation_h = d,
             .dilation_w = d,
             .pad_top = pad,
             .pad_left = pad};
  c.pad_bottom = c.pad_right = pad;
  return c;
}

Case Finish(Case c) {
  ConvShape& s = c.shape;
  s.out_h =
      (s.in_h + s.pad_top + c.pad_bottom - s.dilation_h * (s.kernel_h - 1) - 1) / s.stride_h + 1;
  s.out_w =
      (s.in_w + s.pad_left + c.pad_right - s.dilation_w * (s.kernel_w - 1) - 1) / s.stride_w + 1;
  return c;
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const int64_t ci : {1, 2, 3, 4, 5, 8, 17, 64}) {
    for (const int64_t co : {1, 7, 8, 9, 16, 17, 33, 55, 70}) {
      cases.push_back(MakeCase(3, 5, ci, co, 1));
    }
  }
  for (int64_t positions = 1; positions <= 14; ++positions) {
    cases.push_back(MakeCase(1, positions, 9, 19, 1));
  }
  for (const int64_t positions : {15, 16, 17, 31, 32, 33, 49, 100}) {
    cases.push_back(MakeCase(1, positions, 70, 35, 1));
  }
  cases.push_back(MakeCase(3, 20, 70, 20, 3, 1, 1, 1));  // whole rows of a tile, and broken ones
  cases.push_back(MakeCase(2, 40, 65, 40, 3, 1, 1, 1));
  cases.push_back(MakeCase(5, 14, 70, 40, 3, 1, 1, 1));  // a row of the output for each group
  cases.push_back(MakeCase(3, 28, 33, 35, 3, 1, 1, 1));  // and half a row
  cases.push_back(MakeCase(9, 28, 70, 20, 1, 2));
  cases.push_back(MakeCase(2, 5, 1100, 33, 1));
  cases.push_back(MakeCase(3, 18, 1100, 33, 3, 1, 1, 1));  // several blocks of gathered rows
  cases.push_back(MakeCase(7, 7, 12, 20, 3, 1, 1, 1));
  cases.push_back(MakeCase(9, 6, 5, 24, 3, 2, 1, 1));
  cases.push_back(MakeCase(9, 9, 6, 10, 3, 1, 2, 2));
  cases.push_back(MakeCase(5, 5, 3, 8, 5, 1, 1, 2));
  cases.push_back(MakeCase(1, 1, 3, 8, 3, 1, 1, 1));  // mostly padding
  cases.push_back(MakeCase(6, 6, 8, 16, 3, 3, 1, 0));
  cases.push_back(MakeCase(6, 7, 8, 12, 3, 1, 1, 1, 4));
  cases.push_back(MakeCase(6, 7, 15, 40, 3, 1, 1, 1, 5));
  cases.push_back(MakeCase(4, 4, 6, 12, 1, 1, 1, 0, 2));
  cases.push_back(MakeCase(20, 30, 4, 8, 3, 1, 1, 1));  // several blocks of pointers
  cases.push_back(MakeCase(4, 3, 7, 11, 2, 1, 1, 1, 1, 3));
  Case uneven = MakeCase(6, 5, 4, 9, 3, 2, 1, 0);
  uneven.shape.kernel_w = 2;
  uneven.shape.pad_top = 2;
  uneven.pad_right = 1;
  uneven.shape.stride_w = 1;
  uneven.shape.dilation_h = 2;
  cases.push_back(uneven);
  for (Case& c : cases) c = Finish(c);
  return cases;
}

struct Codes {
  const char* name;
  bool is_unsigned;
  int low, high;
};
constexpr Codes kCodes[] = {
    {"u7", true, 0, 127}, {"u8", true, 0, 255}, {"s8", false, -127, 127}, {"s8", false, -128, 127}};

bool Reads(const ConvKernel& kernel, const Codes& codes) {
  switch (kernel.input) {
    case ConvInput::kU7: return codes.is_unsigned && codes.high <= 127;
    case ConvInput::kU8: return codes.is_unsigned;
    case ConvInput::kS8: return !codes.is_unsigned;
    case ConvInput::kS16: return true;
  }
  return false;
}

struct Output {
  EpilogueActivation activation;
  StoreType store;
  ResidualType residual;
  bool half_away;
};

class ConvCheck {
 public:
  ConvCheck(const ConvShape& shape, const Codes& codes, const Output& output, uint32_t seed)
      : s_(shape),
        codes_(codes),
        output_(output),
        random_(seed),
        src_(s_.images * s_.in_h * s_.in_w * s_.in_channels),
        filter_(static_cast<size_t>(s_.out_channels * depth() * s_.kernel_h * s_.kernel_w)),
        residual_(positions() * s_.out_channels * ElementBytes(output.residual)),
        epilogue_(&random_, s_.out_channels, depth() * s_.kernel_h * s_.kernel_w, output.activation,
                  output.store, output.residual, output.half_away) {
    random_.Codes(&src_, codes.low, codes.high);
    random_.Codes(&filter_, -128, 127);
    if (output.residual == ResidualType::kF32) {
      auto* r = reinterpret_cast<float*>(residual_.data());
      for (int64_t i = 0; i < positions() * s_.out_channels; ++i) r[i] = random_.Float(-90, 90);
    } else {
      random_.Codes(&residual_, 0, 255);
    }
  }

  void FillExtremes() {
    const int code = codes_.is_unsigned ? codes_.high : codes_.low;
    for (int64_t i = 0; i < src_.size(); ++i) src_[i] = static_cast<uint8_t>(code);
    for (size_t i = 0; i < filter_.size(); ++i) filter_[i] = i % 3 == 0 ? -128 : 127;
  }

  Buffer<uint8_t> Expected() {
    Buffer<uint8_t> dst(positions() * s_.out_channels * ElementBytes(output_.store));
    ConvRef(s_, codes_.is_unsigned, src_.data(), filter_.data(), epilogue_.epilogue, Residual(),
            dst.data());
    return dst;
  }

  Buffer<uint8_t> Run(const ConvKernel& kernel) {
    const bool widen = kernel.input == ConvInput::kS16;
    Buffer<int16_t> wide(widen ? src_.size() : 0);
    for (int64_t i = 0; i < wide.size(); ++i) {
      wide[i] = codes_.is_unsigned ? int16_t{src_[i]} : int16_t{static_cast<int8_t>(src_[i])};
    }
    const int64_t element = ElementBytes(kernel.input);
    Buffer<uint8_t> zeros(s_.in_channels * element);
    const std::vector<PackedConv> groups = Pack(kernel);
    Buffer<uint8_t> dst(positions() * s_.out_channels * ElementBytes(output_.store));
    ConvRun run;
    run.kernel = &kernel;
    run.geometry = {s_.in_h,       s_.in_w,       s_.in_channels * element,
                    s_.out_h,      s_.out_w,      s_.kernel_h,
                    s_.kernel_w,   s_.stride_h,   s_.stride_w,
                    s_.dilation_h, s_.dilation_w, s_.pad_top,
                    s_.pad_left};
    run.groups = groups;
    run.group_bytes = depth() * element;
    run.input = widen ? static_cast<const void*>(wide.data()) : src_.data();
    run.zeros = zeros.data();
    run.epilogue = &epilogue_.epilogue;
    run.dst = dst.data();
    run.dst_stride = s_.out_channels * ElementBytes(output_.store);
    run.residual = Residual();
    if (run.residual != nullptr) {
      run.residual_stride = s_.out_channels * ElementBytes(output_.residual);
    }
    // In uneven parts, as threads would.
    const int64_t panels = groups[0].panels * s_.groups;
    const int64_t half = panels / 2;
    const int64_t third = positions() / 3;
    Buffer<uint8_t> memory(static_cast<int64_t>(ConvScratchBytes(run, positions())));
    auto* scratch = reinterpret_cast<std::byte*>(memory.data());
    RunConvPart(run, 0, third, 0, panels, scratch);
    RunConvPart(run, third, positions(), 0, half, scratch);
    RunConvPart(run, third, positions(), half, panels, scratch);
    return dst;
  }

 private:
  [[nodiscard]] int64_t depth() const { return s_.in_channels / s_.groups; }
  [[nodiscard]] int64_t positions() const { return s_.images * s_.out_h * s_.out_w; }
  [[nodiscard]] const void* Residual() const {
    return output_.residual == ResidualType::kNone ? nullptr : residual_.data();
  }

  std::vector<PackedConv> Pack(const ConvKernel& kernel) {
    std::vector<PackedConv> groups;
    const int64_t taps = s_.kernel_h * s_.kernel_w;
    const int64_t per_group = s_.out_channels / s_.groups;
    for (int64_t g = 0; g < s_.groups; ++g) {
      groups.push_back(PackConv(kernel, {.data = filter_.data() + g * per_group * depth() * taps,
                                         .out_channels = per_group,
                                         .taps = taps,
                                         .inner_depth = depth(),
                                         .stride_o = depth() * taps,
                                         .stride_tap = 1,
                                         .stride_inner = taps}));
    }
    return groups;
  }

  ConvShape s_;
  Codes codes_;
  Output output_;
  Random random_;
  Buffer<uint8_t> src_;
  std::vector<int8_t> filter_;
  Buffer<uint8_t> residual_;
  RandomEpilogue epilogue_;
};

std::vector<Output> Outputs() {
  using A = EpilogueActivation;
  using R = ResidualType;
  using S = StoreType;
  return {{A::kClamp, S::kU8, R::kNone, false},      {A::kClamp, S::kS8, R::kNone, false},
          {A::kClamp, S::kF32, R::kNone, false},     {A::kClamp, S::kS8, R::kNone, true},
          {A::kClamp, S::kU8, R::kU8, false},        {A::kClamp, S::kS8, R::kS8, false},
          {A::kClamp, S::kF32, R::kF32, false},      {A::kLeakyRelu, S::kS8, R::kNone, false},
          {A::kHardSwish, S::kS8, R::kU8, false},    {A::kHardSigmoid, S::kU8, R::kNone, true},
          {A::kSigmoid, S::kU8, R::kNone, false},    {A::kSwish, S::kS8, R::kF32, false},
          {A::kTanh, S::kF32, R::kNone, false},      {A::kHardSwish, S::kS8, R::kNone, false},
          {A::kHardSwish, S::kU8, R::kNone, true},   {A::kClamp, S::kS8, R::kS8, true},
          {A::kHardSwish, S::kF32, R::kNone, false}, {A::kClamp, S::kU8, R::kNone, true},
          {A::kClamp, S::kU8, R::kU8, true},         {A::kClamp, S::kU8, R::kS8, false},
          {A::kClamp, S::kU8, R::kS8, true},         {A::kClamp, S::kS8, R::kU8, false},
          {A::kClamp, S::kU8, R::kF32, false},       {A::kClamp, S::kU8, R::kF32, true},
          {A::kClamp, S::kS8, R::kF32, true},        {A::kHardSwish, S::kS8, R::kNone, true}};
}

class ConvKernelTest : public ::testing::TestWithParam<ConvKernel> {
 protected:
  void SetUp() override {
    const std::vector<Isa>& isas = SupportedIsas();
    if (std::find(isas.begin(), isas.end(), GetParam().isa) == isas.end()) {
      GTEST_SKIP() << "this CPU lacks " << Name(GetParam().isa);
    }
  }
};

TEST_P(ConvKernelTest, EqualsReferenceOverShapes) {
  uint32_t seed = 1;
  for (const Case& c : Cases()) {
    for (const Codes& codes : kCodes) {
      if (!Reads(GetParam(), codes)) continue;
      ConvCheck check(c.shape, codes, Outputs()[seed % 7], seed);
      ++seed;
      ASSERT_TRUE(check.Run(GetParam()) == check.Expected())
          << codes.name << " " << c.shape.in_h << "x" << c.shape.in_w << "x" << c.shape.in_channels
          << " -> " << c.shape.out_channels << " kernel " << c.shape.kernel_h << " groups "
          << c.shape.groups;
    }
  }
}

// As the kernels for matrix tiles get them: on every CPU.
TEST_P(ConvKernelTest, EqualsReferenceOnGatheredRows) {
  ConvKernel gathering = GetParam();
  gathering.row_group = std::max(gathering.row_group, 2);
  uint32_t seed = 1;
  for (const Case& c : Cases()) {
    for (const Codes& codes : kCodes) {
      if (!Reads(gathering, codes) || c.shape.kernel_h == 1) continue;
      ConvCheck check(c.shape, codes, Outputs()[seed % 7], seed);
      ++seed;
      ASSERT_TRUE(check.Run(gathering) == check.Expected())
          << codes.name << " " << c.shape.in_h << "x" << c.shape.in_w << "x" << c.shape.in_channels
          << " -> " << c.shape.out_channels << " groups " << c.shape.groups;
    }
  }
}

TEST_P(ConvKernelTest, EqualsReferenceOverEpilogues) {
  for (const Codes& codes : kCodes) {
    if (!Reads(GetParam(), codes)) continue;
    int index = 0;
    for (const Output& output : Outputs()) {
      for (const int64_t channels : {8, 16, 21, 32, 48, 64, 75}) {
        ConvCheck check(Finish(MakeCase(5, 5, 9, channels, 3, 1, 1, 1)).shape, codes, output, 7);
        ASSERT_TRUE(check.Run(GetParam()) == check.Expected()) << codes.name << " " << index;
      }
      ++index;
    }
  }
}

TEST_P(ConvKernelTest, ExtremeCodesDoNotSaturate) {
  for (const Codes& codes : kCodes) {
    if (!Reads(GetParam(), codes)) continue;
    for (const int64_t depth : {2, 6, 8, 31, 64, 300}) {
      ConvCheck check(Finish(MakeCase(2, 3, depth, 24, 1)).shape, codes, Outputs()[2], 3);
      check.FillExtremes();
      ASSERT_TRUE(check.Run(GetParam()) == check.Expected()) << codes.name << " " << depth;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConvKernelTest,
                         ::testing::ValuesIn(ConvKernels().begin(), ConvKernels().end()),
                         [](const auto& test) { return std::string(test.param.name); });

// A tap is left out only where no position of the tile finds it in the picture, and then every row
// of taps beyond it is.
TEST(FindTileTapsTest, KeepsEveryRowOfTapsThatMeetsThePicture) {
  for (const int64_t size : {1, 2, 3, 7, 14}) {
    for (const auto& [taps, stride, dilation, pad] : {std::array<int64_t, 4>{3, 1, 1, 1},
                                                      {3, 2, 1, 1},
                                                      {5, 1, 1, 2},
                                                      {3, 1, 3, 3},
                                                      {2, 3, 1, 5}}) {
      const int64_t out = (size + 2 * pad - (dilation * (taps - 1) + 1)) / stride + 1;
      const ConvGeometry g = {size,   size,   8,        out,      out, taps, taps,
                              stride, stride, dilation, dilation, pad, pad};
      const int64_t end = 2 * out * out;  // two images
      constexpr int64_t kRows = 6;
      std::vector<ConvTaps> found(static_cast<size_t>(end / kRows + 1));
      const bool lacks = FindTileTaps(g, 1, end, kRows, found.data());
      bool expect_lacks = false;
      for (int64_t p = 1, tile = 0; p < end; p += kRows, ++tile) {
        int64_t from = taps;
        int64_t to = 0;
        for (int64_t q = p; q < std::min(p + kRows, end); ++q) {
          for (int64_t ky = 0; ky < taps; ++ky) {
            const int64_t y = q / out % out * stride - pad + ky * dilation;
            if (y < 0 || y >= size) continue;
            from = std::min(from, ky);
            to = std::max(to, ky + 1);
          }
        }
        if (from >= to) from = 0, to = 1;
        const bool one_image = p / (out * out) == (std::min(p + kRows, end) - 1) / (out * out);
        if (one_image) expect_lacks |= to - from < taps;
        if (!lacks) continue;
        const ConvTaps& t = found[static_cast<size_t>(tile)];
        EXPECT_LE(t.begin, from * taps) << size << " " << taps << " " << p;
        EXPECT_GE(t.end, to * taps) << size << " " << taps << " " << p;
        EXPECT_LT(t.begin, t.end);
        if (one_image && to - from > 1) {
          EXPECT_EQ(t.begin, from * taps) << size << " " << taps << " " << p;
          EXPECT_EQ(t.end, to * taps) << size << " " << taps << " " << p;
        }
      }
      EXPECT_EQ(lacks, expect_lacks) << size << " " << taps;
    }
  }
}

TEST(ConvListTest, EveryKindOfCodesHasAKernelOnEveryRung) {
  for (const Codes& codes : kCodes) {
    for (const Isa isa : SupportedIsas()) {
      for (const int64_t depth : {1, 64}) {
        ConvNeed need = {codes.is_unsigned, codes.high, depth, true};
        const ConvKernel* kernel = FindConvKernel(need, isa);
        EXPECT_TRUE(Reads(*kernel, codes));
        EXPECT_TRUE(kernel->isa == isa || (isa == Isa::kAmx && depth == 1)) << kernel->name;
        need.may_pre_add = false;
        EXPECT_FALSE(FindConvKernel(need, isa)->pre_add);
      }
    }
  }
}

TEST(ConvListTest, NamesSayWhatTheyAre) {
  for (const ConvKernel& kernel : ConvKernels()) {
    const std::string name = kernel.name;
    std::string tile = std::to_string(kernel.rows);
    tile += 'x';
    tile += std::to_string(kernel.channels);
    tile += '_';
    tile += Name(kernel.isa);
    EXPECT_NE(name.find(tile), std::string::npos) << name;
    EXPECT_LE(kernel.rows, kMaxConvRows);
  }
}

}  // namespace
}  // namespace skiff::kernels
