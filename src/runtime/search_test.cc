// The measured search: what it may choose, and that no choice changes an integer.
#include "runtime/search.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "runtime/testing/two_stages.h"

namespace skiff::runtime {
namespace {

using testing::TwoStages;

Result<std::vector<SearchedLayer>> Search(const TwoStages& net, Precision precision,
                                          const std::vector<float>& x, int* reports) {
  SearchOptions search;
  search.rounds = 1;
  search.progress = [reports](int64_t done, int64_t total) {
    EXPECT_EQ(done, ++*reports);
    EXPECT_LE(done, total);
  };
  return SearchKernels(net.program(), net.Options(precision, true),
                       {{DType::kFloat32, net.InputDims(), x.data()}}, search);
}

TEST(SearchKernels, KnowsEveryLayerOnce) {
  const TwoStages net(9);
  const std::vector<float> x = net.Input();
  for (const Precision precision : {Precision::kFp32, Precision::kInt8}) {
    int reports = 0;
    const auto found = Search(net, precision, x, &reports);
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    std::set<std::string> names;
    for (const SearchedLayer& layer : *found) {
      EXPECT_TRUE(names.insert(layer.layer).second) << layer.layer;
      EXPECT_GT(layer.steps, 0);
      EXPECT_GT(layer.default_ms, 0) << layer.layer;
      EXPECT_LE(layer.ms, layer.default_ms);
      EXPECT_EQ(layer.layer.find_first_of(" \n"), std::string::npos)
          << "a word of the cache's file";
    }
    EXPECT_EQ(found->empty(), reports == 0);
  }
}

TEST(SearchKernels, NoChoiceChangesAnInteger) {
  const TwoStages net(9);
  plan::CompileOptions options = net.Options(Precision::kInt8, true);
  const auto model = plan::Compile(net.program(), options);
  ASSERT_TRUE(model.ok());
  const auto ran = net.Run(options);
  ASSERT_TRUE(ran.ok()) << ran.status().ToString();
  const TwoStages::Outcome& usual = *ran;
  size_t most = 1;
  for (size_t rank = 0; rank < most; ++rank) {
    auto choices = std::make_shared<steps::KernelChoices>();
    std::vector<std::string> wanted;
    for (const plan::PlannedStep& planned : (*model)->steps) {
      const steps::KernelCandidates candidates = planned.step->Candidates({}, {}, 1);
      most = std::max(most, candidates.kernels.size());
      wanted.emplace_back();
      if (rank >= candidates.kernels.size()) continue;
      wanted.back() = candidates.kernels[rank];
      choices->Set(candidates.layer, wanted.back());
    }
    options.choices = choices;
    const auto tried = net.Run(options);
    ASSERT_TRUE(tried.ok()) << tried.status().ToString();
    const TwoStages::Outcome& chosen = *tried;
    for (size_t s = 0; s < wanted.size(); ++s) {
      if (!wanted[s].empty()) {
        EXPECT_EQ(chosen.kernels[s], wanted[s]);
      }
    }
    ASSERT_EQ(chosen.output.size(), usual.output.size());
    EXPECT_EQ(
        std::memcmp(chosen.output.data(), usual.output.data(), usual.output.size() * sizeof(float)),
        0)
        << "candidate " << rank;
  }
  EXPECT_GT(most, 1U) << "nothing was tried";
}

TEST(SearchKernels, AKernelThatIsNotThereIsPassedOver) {
  const TwoStages net(8);
  for (const Precision precision : {Precision::kFp32, Precision::kInt8}) {
    int reports = 0;
    const auto found = Search(net, precision, net.Input(), &reports);
    ASSERT_TRUE(found.ok());
    plan::CompileOptions options = net.Options(precision, true);
    auto choices = std::make_shared<steps::KernelChoices>();
    for (const SearchedLayer& layer : *found) choices->Set(layer.layer, "no_such_kernel");
    const auto ran = net.Run(options);
    ASSERT_TRUE(ran.ok()) << ran.status().ToString();
    const TwoStages::Outcome& usual = *ran;
    options.choices = choices;
    const auto strange = net.Run(options);
    ASSERT_TRUE(strange.ok()) << strange.status().ToString();
    EXPECT_EQ(strange->kernels, usual.kernels);
  }
}

}  // namespace
}  // namespace skiff::runtime
