// Which choices a session takes from a folder.
#include "session/kernel_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "formats/file.h"
#include "formats/kernel_cache.h"

namespace skiff::session {
namespace {

namespace fs = std::filesystem;

class ChoicesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("skiff_choices_" + std::to_string(getpid())) / "inner";
  }
  void TearDown() override { fs::remove_all(folder_.parent_path()); }

  // A search that found `kernel` for `layer`.
  std::string Write(int threads, const std::string& layer, const std::string& kernel) {
    runtime::SearchedLayer found;
    found.layer = layer;
    found.default_kernel = "usual";
    found.kernel = kernel;
    const auto path = WriteChoices(folder_.string(), threads, {found});
    EXPECT_TRUE(path.ok()) << path.status().ToString();
    return path.ok() ? *path : "";
  }
  [[nodiscard]] std::string Find(int threads, const std::string& layer) const {
    const CachedChoices cached = ReadChoices(folder_.string(), threads);
    EXPECT_EQ(cached.warning, "");
    return cached.choices == nullptr ? "none" : std::string(cached.choices->Find(layer));
  }

  fs::path folder_;
};

TEST_F(ChoicesTest, AreKeptByThreadsAndLayerAndReplaced) {
  EXPECT_EQ(Find(1, "a"), "none") << "no folder, no warning";
  Write(1, "a", "quick");
  Write(1, "b", "quick");
  Write(2, "a", "other");
  EXPECT_EQ(Find(1, "a"), "quick");
  EXPECT_EQ(Find(1, "b"), "quick");
  EXPECT_EQ(Find(2, "a"), "other");
  EXPECT_EQ(Find(2, "b"), "");
  Write(1, "a", "usual");
  EXPECT_EQ(Find(1, "a"), "") << "the default again";
  EXPECT_EQ(Find(1, "b"), "quick");
}

TEST_F(ChoicesTest, OfAnotherMachineOrDamagedAreIgnoredAndSoSaid) {
  const std::string path = Write(1, "a", "quick");
  auto cache = formats::ReadKernelCache(path);
  ASSERT_TRUE(cache.ok());
  cache->machine += " of another make";
  ASSERT_TRUE(formats::WriteKernelCache(path, *cache).ok());
  CachedChoices cached = ReadChoices(folder_.string(), 1);
  EXPECT_EQ(cached.choices, nullptr);
  EXPECT_NE(cached.warning.find(path), std::string::npos) << cached.warning;
  EXPECT_NE(cached.warning.find("of another make"), std::string::npos) << cached.warning;

  ASSERT_TRUE(formats::WriteFile(path, "not at all").ok());
  cached = ReadChoices(folder_.string(), 1);
  EXPECT_EQ(cached.choices, nullptr);
  EXPECT_NE(cached.warning.find(path), std::string::npos) << cached.warning;
  Write(1, "b", "quick");
  EXPECT_EQ(Find(1, "b"), "quick") << "a new search replaces what is useless";
}

}  // namespace
}  // namespace skiff::session
