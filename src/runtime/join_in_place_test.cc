// What a concat joins in NHWC is written where it is joined, and a model computes the bytes that it
// computes without.
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/testing/net.h"

namespace skiff::runtime {
namespace {

// The branches of a block: 1x1, 3x3 and 1x1 convolutions, one that is read by others too, and one
// of half the size that is enlarged. Of the convolutions a later one lies before an earlier one, so
// that who writes too much destroys what is there.
class Branches : public testing::Net {
 public:
  Branches(int64_t extent, int64_t channels) : Net(extent) {
    const int64_t half = extent / 2;
    Conv("x", "stem", 3, 16, 3, 1, extent, true);
    Conv("stem", "first", 16, channels, 1, 1, extent, true);
    Conv("stem", "second", 16, channels, 3, 1, extent, true);
    Conv("stem", "third", 16, channels, 1, 1, extent, true);
    Conv("third", "shared", channels, 8, 1, 1, extent, true);
    Conv("shared", "more", 8, 8, 1, 1, extent, true);
    Conv("third", "small", channels, 12, 3, 2, half, true);
    Add("nearest_interp_v2", {{"X", "small"}}, "Out", "large");
    Attribute("scale", program::AttrType::kFloats, std::vector<float>{2, 2});
    Attribute("align_corners", program::AttrType::kBoolean, false);
    Declare("large", 12, extent);
    Add("concat", {}, "Out", "joined");
    program_.blocks[0].ops.back().inputs.push_back(
        {"X", {"large", "third", "shared", "second", "first", "more"}, ""});
    Attribute("axis", program::AttrType::kInt, int32_t{1});
    const int64_t all = 12 + 3 * channels + 8 + 8;
    Declare("joined", all, extent);
    Conv("joined", "out", all, 8, 1, 1, extent, true);
    Fetch("out");
  }

  [[nodiscard]] plan::CompileOptions Options(Precision precision, bool join) const {
    plan::CompileOptions options;
    options.precision = precision;
    options.join_in_place = join;
    if (precision == Precision::kInt8) {
      for (const char* name : {"x", "stem", "first", "second", "third", "shared", "more", "small",
                               "large", "joined", "out"}) {
        options.thresholds.emplace_back(name, 1.5);
      }
    }
    return options;
  }
};

std::vector<float> RunParts(std::shared_ptr<const plan::Model> model, const Branches& net,
                            int threads, CacheSizes caches) {
  Context context(std::move(model), {.threads = threads, .caches = caches});
  const std::vector<float> x = net.Input(6);
  Status status = context.SetInput(0, DType::kFloat32, net.InputDims(6), x.data());
  if (status.ok()) status = context.Run();
  EXPECT_TRUE(status.ok()) << status.ToString();
  const steps::Tensor out = context.value(context.model().outputs[0]);
  return {out.As<float>(), out.As<float>() + out.dims.Numel()};
}

TEST(JoinInPlace, ComputesTheSame) {
  for (const Precision precision : {Precision::kFp32, Precision::kInt8}) {
    for (const int64_t channels : {5, 24, 64, 72}) {
      const Branches net(20, channels);
      const auto apart = net.Run(net.Options(precision, false));
      const auto joined = net.Run(net.Options(precision, true));
      ASSERT_TRUE(apart.ok()) << apart.status().ToString();
      ASSERT_TRUE(joined.ok()) << joined.status().ToString();
      EXPECT_EQ(joined->output, apart->output) << channels;
      EXPECT_GT(*std::max_element(joined->output.begin(), joined->output.end()), 0);
    }
  }
}

// All but what others read too; oneDNN's convolutions write whole tensors.
TEST(JoinInPlace, WhereOnlyTheConcatReads) {
  const Branches net(20, 24);
  for (const Precision precision : {Precision::kFp32, Precision::kInt8}) {
    const auto model = plan::Compile(net.program(), net.Options(precision, true));
    ASSERT_TRUE(model.ok());
    std::vector<std::string> parts;
    for (const plan::ValueInfo& value : (*model)->values) {
      if (value.part_of >= 0) parts.push_back(value.name);
    }
    std::sort(parts.begin(), parts.end());
    const std::vector<std::string> own = {"first", "large", "more", "second"};
    EXPECT_EQ(parts, precision == Precision::kInt8 ? own : std::vector<std::string>{"large"});
  }
}

TEST(JoinInPlace, InPartsOfABatchToo) {
  const Branches net(32, 24);
  const auto apart = plan::Compile(net.program(), net.Options(Precision::kInt8, false));
  const auto joined = plan::Compile(net.program(), net.Options(Precision::kInt8, true));
  ASSERT_TRUE(apart.ok() && joined.ok());
  constexpr CacheSizes kHuge = {.l2 = size_t{1} << 30, .l3 = size_t{1} << 30};
  const std::vector<float> want = RunParts(*apart, net, 1, kHuge);
  for (const size_t kib : {64, 128, 256}) {
    for (const int threads : {1, 2}) {
      EXPECT_EQ(RunParts(*joined, net, threads, {.l2 = kib << 10, .l3 = kib << 11}), want) << kib;
    }
  }
}

}  // namespace
}  // namespace skiff::runtime
