#include "base/caches.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace skiff {
namespace {

namespace fs = std::filesystem;

void WriteCache(const fs::path& cpu, int index, const std::string& type, int level,
                const std::string& size) {
  const fs::path folder = cpu / "cache" / ("index" + std::to_string(index));
  fs::create_directories(folder);
  std::ofstream(folder / "type") << type << "\n";
  std::ofstream(folder / "level") << level << "\n";
  std::ofstream(folder / "size") << size << "\n";
}

TEST(Caches, AreThoseOfData) {
  const fs::path cpu = fs::path(::testing::TempDir()) / "caches_cpu";
  fs::remove_all(cpu);
  WriteCache(cpu, 0, "Data", 1, "48K");
  WriteCache(cpu, 1, "Instruction", 1, "32K");
  WriteCache(cpu, 2, "Unified", 2, "2048K");
  WriteCache(cpu, 3, "Unified", 3, "107520K");
  const std::vector<CacheLevel> levels = DataCaches(cpu.string());
  ASSERT_EQ(levels.size(), 3U);
  EXPECT_EQ(levels[0].bytes, 48U << 10);
  EXPECT_EQ(CacheSizesOf(levels).l2, 2U << 20);
  EXPECT_EQ(CacheSizesOf(levels).l3, 105U << 20);
  fs::remove_all(cpu);
}

TEST(Caches, WhatIsNotToldIsGuessed) {
  EXPECT_TRUE(DataCaches("/nowhere").empty());
  const CacheSizes sizes = CacheSizesOf({{2, 0}});
  EXPECT_EQ(sizes.l2, 1U << 20);
  EXPECT_EQ(sizes.l3, 16U << 20);
  EXPECT_GT(ThisMachinesCaches().l2, 0U);
}

}  // namespace
}  // namespace skiff
