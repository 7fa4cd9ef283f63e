#include "runtime/arena.h"

#include <gtest/gtest.h>

#include <random>

namespace skiff::runtime {
namespace {

bool AliveTogether(const plan::Storage& a, const plan::Storage& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

// Nothing that is alive at the same time overlaps, for many random lifetimes.
TEST(ArenaPlanner, KeepsLivingStoragesApart) {
  std::mt19937 random(7);
  ArenaPlanner planner;
  for (int round = 0; round < 200; ++round) {
    const int steps = 1 + static_cast<int>(random() % 40);
    std::vector<plan::Storage> storages;
    std::vector<size_t> sizes;
    size_t sum = 0;
    for (int i = 0; i < 1 + static_cast<int>(random() % 60); ++i) {
      const int first = static_cast<int>(random() % static_cast<unsigned>(steps));
      const int last =
          first + static_cast<int>(random() % static_cast<unsigned>(steps - first + 1));
      storages.push_back({first, last});
      sizes.push_back(random() % 5 * ArenaPlanner::kAlignment);
      sum += sizes.back();
    }
    std::vector<size_t> offsets(storages.size());
    const size_t total = planner.Place(storages, sizes, steps, round % 5 == 0, offsets);
    EXPECT_LE(total, sum);
    for (size_t i = 0; i < storages.size(); ++i) {
      EXPECT_LE(offsets[i] + sizes[i], total);
      for (size_t j = 0; j < i; ++j) {
        if (sizes[i] == 0 || sizes[j] == 0) continue;
        const bool together = round % 5 == 0 || AliveTogether(storages[i], storages[j]);
        const bool apart =
            offsets[i] + sizes[i] <= offsets[j] || offsets[j] + sizes[j] <= offsets[i];
        EXPECT_TRUE(!together || apart) << "storages " << i << " and " << j;
      }
    }
  }
}

TEST(ArenaPlanner, ReusesMemoryAlongAChain) {
  std::vector<plan::Storage> storages;
  for (int i = 0; i < 20; ++i) storages.push_back({i, i + 1});
  const std::vector<size_t> sizes(20, 1024);
  std::vector<size_t> offsets(20);
  ArenaPlanner planner;
  EXPECT_EQ(planner.Place(storages, sizes, 21, false, offsets), 2 * 1024U);
  EXPECT_EQ(planner.Place(storages, sizes, 21, true, offsets), 20 * 1024U);
}

}  // namespace
}  // namespace skiff::runtime
