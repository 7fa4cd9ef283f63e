// A model that runs on parts of a batch computes what it computes on the whole.
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/testing/two_stages.h"

namespace skiff::runtime {
namespace {

using testing::TwoStages;

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

INSTANTIATE_TEST_SUITE_P(Precisions, PartsTest,
                         ::testing::Values(Precision::kFp32, Precision::kInt8),
                         [](const auto& test) {
                           return test.param == Precision::kInt8 ? "int8" : "fp32";
                         });

}  // namespace
}  // namespace skiff::runtime
