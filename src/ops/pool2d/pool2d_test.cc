#include "ops/pool2d/pool2d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ops/testing/case_file.h"
#include "ops/testing/op_harness.h"

namespace skiff::ops {
namespace {

using testing::Array;
using testing::CaseLine;
using ::testing::HasSubstr;
using testing::Noise;
using testing::OpHarness;

void SetAttributes(const CaseLine& c, const char* kind, OpHarness* h) {
  for (const char* name : {"ksize", "strides", "paddings"}) {
    if (c.Has(name)) h->Set(name, c.Ints(name));
  }
  for (const char* name : {"ceil_mode", "adaptive", "global_pooling"}) h->Set(name, c.Has(name));
  h->Set("exclusive", !c.Has("inclusive"));
  h->Set("padding_algorithm", c.Text("padding_algorithm", "EXPLICIT").c_str());
  h->Set("pooling_type", kind);
}

class Pool2dCaseTest : public ::testing::TestWithParam<CaseLine> {};

TEST_P(Pool2dCaseTest, EveryRungIsTheReference) {
  const CaseLine& c = GetParam();
  const Array x = Noise(c.Extents("in"), 1);
  for (const char* kind : {"max", "avg"}) {
    if (c.name != "pool2d" && kind != std::string("max")) continue;
    OpHarness h(c.name);
    SetAttributes(c, kind, &h);
    h.Input("X", x);
    h.Output("Out");
    const Pool2dAttrs attrs = *ParsePool2d(h.node());
    const Dims out = *InferPool2d(attrs, x.dims());
    Array want(DType::kFloat32, out);
    Pool2dRef(attrs, x.dims(), x.As<float>().data(), out, want.As<float>().data());
    for (const Isa isa : SupportedIsas()) {
      const Status status = h.Lower(isa);
      ASSERT_TRUE(status.ok()) << status.ToString();
      auto got = h.Run(2);
      ASSERT_TRUE(got.ok()) << got.status().ToString();
      ASSERT_EQ((*got)[0].dims(), out) << kind;
      for (size_t i = 0; i < want.count(); ++i) {
        ASSERT_NEAR((*got)[0].As<float>()[i], want.As<float>()[i], 1e-6)
            << kind << " at " << i << " on " << Name(isa);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Pool2dCaseTest,
                         ::testing::ValuesIn(testing::ReadCases(SKIFF_SOURCE_DIR
                                                                "/src/ops/pool2d/cases.txt")));

// Codes pool like the floats that they stand for; an average is rounded to its own grid.
TEST_P(Pool2dCaseTest, CodesPoolLikeFloats) {
  const CaseLine& c = GetParam();
  Array codes(DType::kUInt8, c.Extents("in")), x(DType::kFloat32, c.Extents("in"));
  std::mt19937 generator(5);
  for (size_t i = 0; i < codes.count(); ++i) {
    codes.As<uint8_t>()[i] = static_cast<uint8_t>(generator() % 128);
    x.As<float>()[i] = codes.As<uint8_t>()[i];
  }
  graph::Grid grid;
  grid.step = {1.0};
  grid.is_unsigned = true;
  for (const char* kind : {"max", "avg"}) {
    if (c.name != "pool2d" && kind != std::string("max")) continue;
    OpHarness h(c.name);
    SetAttributes(c, kind, &h);
    h.Input("X", codes, grid);
    graph::Grid out_grid = grid;
    if (kind == std::string("avg")) out_grid.step = {0.75};
    h.Output("Out", DType::kUInt8, out_grid);
    const Pool2dAttrs attrs = *ParsePool2d(h.node());
    const Dims out = *InferPool2d(attrs, x.dims());
    Array want(DType::kFloat32, out);
    Pool2dRef(attrs, x.dims(), x.As<float>().data(), out, want.As<float>().data());
    auto got = h.LowerAndRun();
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    for (size_t i = 0; i < want.count(); ++i) {
      const double exact = want.As<float>()[i] / out_grid.step[0];
      // Half a step, or a little more where the exact value is a tie.
      ASSERT_NEAR(got->As<uint8_t>()[i], std::min(exact, 127.0), 0.5001) << kind << " at " << i;
    }
  }
}

TEST(Pool2dRefusalTest, SaysWhatIsWrong) {
  struct Case {
    const char* message;
    void (*spoil)(OpHarness*);
  };
  const Case cases[] = {
      {"pooling_type \"median\"", [](OpHarness* h) { h->Set("pooling_type", "median"); }},
      {"ksize must be",
       [](OpHarness* h) {
         h->Set("ksize", std::vector<int32_t>{0, 2});
       }},
      {"data_format NHWC", [](OpHarness* h) { h->Set("data_format", "NHWC"); }},
      {"paddings has", [](OpHarness* h) { h->Set("paddings", std::vector<int32_t>{1}); }},
  };
  for (const Case& c : cases) {
    OpHarness h("pool2d");
    h.Set("pooling_type", "max");
    h.Set("ksize", std::vector<int32_t>{2, 2});
    h.Input("X", Noise({1, 2, 5, 5}, 1));
    h.Output("Out");
    c.spoil(&h);
    EXPECT_THAT(h.Lower().ToString(), HasSubstr(c.message));
  }
}

TEST(Pool2dRefusalTest, AWindowThatDoesNotFit) {
  OpHarness h("pool2d");
  h.Set("pooling_type", "max");
  h.Set("ksize", std::vector<int32_t>{4, 4});
  h.Input("X", Noise({1, 2, 3, 5}, 1));
  h.Output("Out");
  EXPECT_EQ(h.LowerAndRun().status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skiff::ops
