#include "base/cpu_count.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace skiff {
namespace {

namespace fs = std::filesystem;

// A tree of control group files.
class CgroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ =
        fs::path(::testing::TempDir()) /
        ("cgroup_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  [[nodiscard]] double Quota(const std::string& membership) const {
    return CgroupQuota(membership, root_.string());
  }

  fs::path root_;
};

TEST_F(CgroupTest, Version2TakesTheSmallestOfTheGroupAndThoseAbove) {
  Write("cpu.max", "max 100000");
  Write("pod/cpu.max", "150000 100000");
  Write("pod/app/cpu.max", "400000 100000");
  EXPECT_EQ(Quota("0::/pod/app\n"), 1.5);
  EXPECT_EQ(Quota("0::/\n"), 0);
}

TEST_F(CgroupTest, Version2InsideAContainerReadsTheMount) {
  Write("cpu.max", "200000 100000");
  EXPECT_EQ(Quota("0::/../host/path/that/is/not/here\n"), 2);
}

TEST_F(CgroupTest, Version1) {
  Write("cpu/docker/cpu.cfs_quota_us", "50000");
  Write("cpu/docker/cpu.cfs_period_us", "100000");
  Write("cpu/cpu.cfs_quota_us", "-1");
  Write("cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(Quota("4:memory:/docker\n3:cpu,cpuacct:/docker\n"), 0.5);
  EXPECT_EQ(Quota("3:cpuset:/docker\n"), 0);
}

TEST_F(CgroupTest, Version1UnderTheNameOfBothControllers) {
  Write("cpu,cpuacct/cpu.cfs_quota_us", "300000");
  Write("cpu,cpuacct/cpu.cfs_period_us", "100000");
  EXPECT_EQ(Quota("3:cpu,cpuacct:/gone\n"), 3);
}

TEST_F(CgroupTest, NonsenseIsNoLimit) {
  Write("cpu.max", "fast");
  EXPECT_EQ(Quota("0::/\n"), 0);
  EXPECT_EQ(Quota(""), 0);
  EXPECT_EQ(Quota("no colons"), 0);
}

TEST(AvailableCpus, FollowsTheAffinityOfTheThread) {
  ASSERT_GE(AvailableCpus(), 1);
  int pinned = 0;
  std::thread([&] {
    cpu_set_t set;
    ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    int first = 0;
    while (!CPU_ISSET(first, &set)) ++first;
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
    pinned = AvailableCpus();
  }).join();
  EXPECT_EQ(pinned, 1);
}

}  // namespace
}  // namespace skiff
