#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace skiff {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, RunsEveryIndexOnce) {
  ThreadPool pool(GetParam());
  for (int64_t n : {0, 1, 2, 3, 7, 64, 1000}) {
    std::vector<int> counts(static_cast<size_t>(n), 0);
    pool.ParallelFor(n, [&](int64_t i) { ++counts[static_cast<size_t>(i)]; });
    for (int count : counts) ASSERT_EQ(count, 1);
  }
}

TEST_P(ThreadPoolTest, WritesAreVisibleAfterwards) {
  ThreadPool pool(GetParam());
  std::vector<int64_t> data(16, 0);
  for (int64_t round = 1; round <= 3000; ++round) {
    pool.ParallelFor(16, [&](int64_t i) { data[static_cast<size_t>(i)] += i + round; });
  }
  for (int64_t i = 0; i < 16; ++i) {
    ASSERT_EQ(data[static_cast<size_t>(i)], 3000 * i + 3000 * 3001 / 2);
  }
}

TEST_P(ThreadPoolTest, NestedCallsRunInline) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> sum{0};
  pool.ParallelFor(8, [&](int64_t) { pool.ParallelFor(8, [&](int64_t j) { sum += j; }); });
  EXPECT_EQ(sum.load(), 8 * 28);
}

TEST_P(ThreadPoolTest, WakesAfterSleeping) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // workers give up spinning
    std::atomic<int> count{0};
    pool.ParallelFor(100, [&](int64_t) { ++count; });
    EXPECT_EQ(count.load(), 100);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(-1, 1, 2, 3, 8));

TEST(ThreadPoolSplitTest, UsesMoreThanOneThread) {
  ThreadPool pool(2);
  // The indices wait for each other, so both threads must take part.
  std::atomic<int> arrived{0};
  std::vector<std::thread::id> ids(2);
  pool.ParallelFor(2, [&](int64_t i) {
    ids[static_cast<size_t>(i)] = std::this_thread::get_id();
    ++arrived;
    while (arrived.load() < 2) std::this_thread::yield();
  });
  EXPECT_NE(ids[0], ids[1]);
}

TEST(ThreadPoolSplitTest, EveryThreadBeginsWithItsOwnPart) {
  ThreadPool pool(2);
  std::atomic<int> arrived{0};
  std::vector<int> threads(100, -1);
  pool.ParallelFor(100, [&](int64_t i, int thread) {
    threads[static_cast<size_t>(i)] = thread;
    if (i % 50 != 0) return;  // both begin before either goes on
    ++arrived;
    while (arrived.load() < 2) std::this_thread::yield();
  });
  EXPECT_EQ(threads[0], 0);
  EXPECT_EQ(threads[50], 1);
}

TEST(ThreadPoolSplitTest, NoTwoCallsAtATimeHaveTheSameThread) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> inside(4);
  std::atomic<bool> shared{false};
  for (int round = 0; round < 200; ++round) {
    pool.ParallelFor(64, [&](int64_t, int thread) {
      std::atomic<int>& mine = inside[static_cast<size_t>(thread)];
      if (mine.fetch_add(1) != 0) shared = true;
      mine.fetch_sub(1);
    });
  }
  EXPECT_FALSE(shared.load());
}

TEST(ThreadPoolSplitTest, PoolsOfSeveralThreadsAreIndependent) {
  std::vector<std::thread> users;
  std::atomic<int64_t> total{0};
  for (int u = 0; u < 3; ++u) {
    users.emplace_back([&] {
      ThreadPool pool(2);
      for (int round = 0; round < 200; ++round) pool.ParallelFor(5, [&](int64_t i) { total += i; });
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_EQ(total.load(), 3 * 200 * 10);
}

}  // namespace
}  // namespace skiff
