// The file of chosen kernels: written, read, and refused when anything about it is wrong.
#include "formats/kernel_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "formats/file.h"
#include "formats/test_models.h"

namespace skiff::formats {
namespace {

namespace fs = std::filesystem;

class KernelCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("skiff_kernel_cache_" + std::to_string(getpid()));
    fs::create_directories(folder_);
    path_ = (folder_ / "kernels.txt").string();
    cache_.machine = "A CPU of two words, avx2, Skiff 1.2.3";
    cache_.kernels = {{{1, "conv_f32_1_64"}, "jit_1x1:avx2"},
                      {{2, "conv_f32_1_64"}, "brgconv_1x1:avx2"},
                      {{1, "fc_int8_64_10"}, "conv_s16_6x16_avx2"}};
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
  std::string path_;
  KernelCache cache_;
};

TEST_F(KernelCacheTest, ComesBack) {
  ASSERT_TRUE(WriteKernelCache(path_, cache_).ok());
  const auto read = ReadKernelCache(path_);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->machine, cache_.machine);
  EXPECT_EQ(read->kernels, cache_.kernels);
}

TEST_F(KernelCacheTest, IsRefusedWithAnyByteChangedOrMissing) {
  ASSERT_TRUE(WriteKernelCache(path_, cache_).ok());
  const std::string good = ReadText(path_);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    ASSERT_TRUE(WriteFile(path_, bad).ok());
    EXPECT_EQ(ReadKernelCache(path_).status().code(), StatusCode::kCorruption) << i;
    ASSERT_TRUE(WriteFile(path_, good.substr(0, i)).ok());
    EXPECT_FALSE(ReadKernelCache(path_).ok()) << i;
  }
}

TEST_F(KernelCacheTest, OneThatIsNotThereIsNotDamaged) {
  EXPECT_EQ(ReadKernelCache(path_).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace skiff::formats
