// A model that runs on parts of a batch computes what it computes on the whole.
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/testing/two_stages.h"

namespace skiff::runtime {
namespace {

using testing::TwoStages;
using List = std::vector<int64_t>;

// One image of the largest tensors fits, or nearly.
constexpr CacheSizes kHuge = {.l2 = size_t{1} << 30, .l3 = size_t{1} << 30};
constexpr CacheSizes kTiny = {.l2 = size_t{256} << 10, .l3 = size_t{512} << 10};

bool IsSplit(const Context& context) {
  return std::any_of(context.ranges().begin(), context.ranges().end(),
                     [](const StepRange& range) { return range.parts > 1; });
}

class PartsTest : public ::testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    const auto model = plan::Compile(net_.program(), net_.Options(GetParam(), true));
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    model_ = *model;
  }

  std::vector<float> Run(Context& context, int64_t batch, const std::vector<float>& x) const {
    Status status = context.SetInput(0, DType::kFloat32, net_.InputDims(batch), x.data());
    if (status.ok()) status = context.Run();
    EXPECT_TRUE(status.ok()) << status.ToString();
    const steps::Tensor out = context.value(model_->outputs[0]);
    return {out.As<float>(), out.As<float>() + out.dims.Numel()};
  }

  TwoStages net_{49};
  std::shared_ptr<const plan::Model> model_;
};

TEST_P(PartsTest, ComputeTheSame) {
  Context whole(model_, {.caches = kHuge});
  for (const int threads : {1, 2}) {
    Context parts(model_, {.threads = threads, .caches = kTiny});
    // The number of images changes, and where the input lies.
    for (const int64_t batch : {6, 1, 4, 6, 6}) {
      const std::vector<float> x = net_.Input(batch);
      const std::vector<float> want = Run(whole, batch, x);
      const std::vector<float> got = Run(parts, batch, x);
      EXPECT_FALSE(IsSplit(whole));
      EXPECT_EQ(IsSplit(parts), batch > 1);
      ASSERT_EQ(got.size(), want.size());
      for (size_t i = 0; i < got.size(); ++i) {
        if (GetParam() == Precision::kInt8) {
          ASSERT_EQ(got[i], want[i]) << i;
        } else {
          ASSERT_NEAR(got[i], want[i], 1e-5) << i;
        }
      }
    }
  }
}

struct Nobody final : StepObserver {
  void Before(size_t /*step*/) override {}
  void After(size_t /*step*/) override {}
};

TEST_P(PartsTest, WhoWatchesSeesWholeTensors) {
  const std::vector<float> x = net_.Input(6);
  Context context(model_, {.profile = true, .caches = kTiny});
  const std::vector<float> want = Run(context, 6, x);
  EXPECT_TRUE(IsSplit(context));
  for (const StepProfile& step : context.profile()) EXPECT_EQ(step.runs, 1);
  Nobody watching;
  ASSERT_TRUE(context.Run(&watching).ok());
  EXPECT_FALSE(IsSplit(context));
  Context keeping(model_, {.keep_all = true, .caches = kTiny});
  Run(keeping, 6, x);
  EXPECT_FALSE(IsSplit(keeping));
  EXPECT_EQ(Run(context, 6, x), want);
  EXPECT_TRUE(IsSplit(context));
}

// What a step was run on, times how often, is its part of the batch.
TEST_P(PartsTest, StepsTellWhatTheyRanOn) {
  Context context(model_, {.caches = kTiny});
  Run(context, 6, net_.Input(6));
  for (size_t s = 0; s < model_->steps.size(); ++s) {
    const Dims& part = context.outputs(s)[0].dims;
    EXPECT_EQ(part[0] * context.parts(s), 6);
    EXPECT_EQ(part.Numel() * context.parts(s), context.dims(model_->steps[s].outputs[0]).Numel());
    EXPECT_EQ(context.inputs(s)[0].dims[0], part[0]);
  }
}

// What a transformer does between its products with weights, each a step that reads constants or
// two activations; `dims` are those of the constant that is added.
class Between : public testing::Net {
 public:
  explicit Between(const std::vector<int64_t>& dims) : Net(kExtent) {
    Add("matmul_v2", {{"X", "x"}, {"Y", "x"}}, "Out", "product");
    Attribute("trans_y", program::AttrType::kBoolean, true);
    Declare("product", 3, kExtent);
    Parameter("shift", dims, 1);
    Add("elementwise_add", {{"X", "product"}, {"Y", "shift"}}, "Out", "sum");
    Declare("sum", 3, kExtent);
    Parameter("scale", {kExtent}, 2);
    Parameter("bias", {kExtent}, 3);
    Add("layer_norm", {{"X", "sum"}, {"Scale", "scale"}, {"Bias", "bias"}}, "Y", "out");
    Attribute("begin_norm_axis", program::AttrType::kInt, int32_t{3});
    Declare("out", 3, kExtent);
    Fetch("out");
  }

  [[nodiscard]] std::vector<float> RunIn(Context& context, int64_t batch) const {
    const std::vector<float> x = Input(batch);
    Status status = context.SetInput(0, DType::kFloat32, InputDims(batch), x.data());
    if (status.ok()) status = context.Run();
    EXPECT_TRUE(status.ok()) << status.ToString();
    const steps::Tensor out = context.value(context.model().outputs[0]);
    return {out.As<float>(), out.As<float>() + out.dims.Numel()};
  }

 private:
  static constexpr int64_t kExtent = 96;
};

TEST(Parts, ConstantsServeEveryPart) {
  for (const std::vector<int64_t>& dims : {List{96}, List{96, 96}, List{1, 3, 1, 96}}) {
    const Between net(dims);
    const auto model = plan::Compile(net.program(), {});
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    Context whole(*model, {.caches = kHuge});
    Context parts(*model, {.caches = kTiny});
    for (const int64_t batch : {4, 1, 6}) {
      EXPECT_EQ(net.RunIn(parts, batch), net.RunIn(whole, batch));
      for (size_t s = 0; s < (*model)->steps.size(); ++s) EXPECT_EQ(parts.parts(s), batch);
    }
  }
}

TEST(Parts, ConstantsOfEachImageAreReadWithAllImages) {
  const Between net({4, 1, 1, 96});
  const auto model = plan::Compile(net.program(), {});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  Context whole(*model, {.caches = kHuge});
  Context parts(*model, {.caches = kTiny});
  EXPECT_EQ(net.RunIn(parts, 4), net.RunIn(whole, 4));
  EXPECT_TRUE(IsSplit(parts));
  int wholes = 0;
  for (size_t s = 0; s < (*model)->steps.size(); ++s) wholes += parts.parts(s) == 1;
  EXPECT_EQ(wholes, 1);
}

INSTANTIATE_TEST_SUITE_P(Precisions, PartsTest,
                         ::testing::Values(Precision::kFp32, Precision::kInt8),
                         [](const auto& test) {
                           return test.param == Precision::kInt8 ? "int8" : "fp32";
                         });

}  // namespace
}  // namespace skiff::runtime
