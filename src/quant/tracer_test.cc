// Tensors read in visits, from memory that others use before and after, are those of a run that
// keeps every tensor.
#include "quant/tracer.h"

#include <gtest/gtest.h>

#include <vector>

#include "plan/model.h"
#include "quant/reconstruct/test_net.h"

namespace skiff::quant {
namespace {

std::vector<float> Copy(const RunTensor& tensor) {
  return {tensor.data.begin(), tensor.data.end()};
}

TEST(TracerTest, VisitsReadWhatARunComputes) {
  const program::Program program = TestNet();
  TestData data(1, 2);
  const auto whole = Tracer::Make(program, {});
  ASSERT_TRUE(whole.ok() && (*whole)->Run(data, 0).ok());
  std::vector<std::string> names;
  for (const plan::ValueInfo& value : (*whole)->context().model().values) {
    if (!value.constant && value.dtype == DType::kFloat32) names.push_back(value.name);
  }
  ASSERT_GT(names.size(), 10U);
  RunnerOptions options;
  for (const std::string& name : names) options.together.push_back({names.front(), name});
  options.together.push_back({"no such variable"});
  const auto shared = Tracer::Make(program, options);
  ASSERT_TRUE(shared.ok());
  EXPECT_FALSE((*shared)->CanVisit(names.size()));
  std::vector<int> visits(options.together.size());
  const auto compare = [&](size_t visit) {
    ++visits[visit];
    for (const std::string& name : options.together[visit]) {
      const RunTensor is = (*shared)->Read(*(*shared)->Find(name));
      EXPECT_EQ(Copy(is), Copy((*whole)->Read(*(*whole)->Find(name)))) << name;
    }
    return OkStatus();
  };
  ASSERT_TRUE((*shared)->Run(data, 0, 0, visits.size(), compare).ok());
  std::vector<int> once(names.size(), 1);
  once.push_back(0);
  EXPECT_EQ(visits, once);
}

TEST(TracerTest, VisitsShareMemoryAndEndTheRun) {
  const program::Program program = TestNet();
  TestData data(1, 2);
  const auto whole = Tracer::Make(program, {});
  ASSERT_TRUE(whole.ok() && (*whole)->Run(data, 0).ok());
  RunnerOptions options;
  options.together = {{"e6"}, {"out"}};
  const auto shared = Tracer::Make(program, options);
  ASSERT_TRUE(shared.ok());
  int visits = 0;
  const auto count = [&](size_t visit) {
    visits += visit == 0 ? 1 : 100;
    return visits > 1 ? Internal("the run went on") : OkStatus();
  };
  ASSERT_TRUE((*shared)->Run(data, 0, 0, 1, count).ok());
  EXPECT_EQ(visits, 1);
  EXPECT_LT((*shared)->context().arena_bytes(), (*whole)->context().arena_bytes());
  EXPECT_FALSE((*shared)->Run(data, 0, 1, 2, count).ok());
}

}  // namespace
}  // namespace skiff::quant
