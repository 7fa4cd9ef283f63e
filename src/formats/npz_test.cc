#include "formats/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/test_models.h"

namespace skiff::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Golden(const std::string& name) {
  return std::string(SKIFF_SOURCE_DIR) + "/tests/golden/npz/" + name;
}

std::string Failure(const std::string& bytes) {
  const Result<NamedTensors> tensors = ParseNpz({nullptr, AsBytes(bytes)}, "x.npz");
  return tensors.ok() ? "read without failure" : std::string(tensors.status().message());
}

TEST(Npz, StoredAndDeflated) {
  for (const char* file : {"stored.npz", "deflated.npz"}) {
    const Result<NamedTensors> tensors = ReadNpz(Golden(file));
    ASSERT_TRUE(tensors.ok()) << tensors.status().ToString();
    ASSERT_EQ(tensors->size(), 3U);
    const auto& [x_name, x] = (*tensors)[0];
    EXPECT_EQ(x_name, "x");
    EXPECT_EQ(x.dtype, DType::kFloat32);
    EXPECT_THAT(x.dims, ElementsAre(4, 2, 3));
    EXPECT_EQ(x.As<float>()[23], 23.0F / 8);
    const auto& [ids_name, ids] = (*tensors)[1];
    EXPECT_EQ(ids_name, "ids/0");
    EXPECT_THAT(ids.As<int64_t>(), ElementsAre(0, 1, 2, 3));
    EXPECT_THAT((*tensors)[2].second.As<float>(), testing::Each(0.0F));
  }
}

TEST(Npz, SaysWhatIsWrong) {
  EXPECT_THAT(Failure(""), HasSubstr("is not a .npz file"));
  EXPECT_THAT(Failure(std::string(100, 'x')), HasSubstr("is not a .npz file"));
  for (const char* file : {"stored.npz", "deflated.npz"}) {
    const std::string whole = ReadText(Golden(file));
    std::string flipped = whole;
    flipped[whole.size() / 8] = static_cast<char>(flipped[whole.size() / 8] ^ 1);
    EXPECT_THAT(Failure(flipped), testing::AnyOf(HasSubstr("checksum"), HasSubstr("unpacked")));
    EXPECT_NE(Failure(whole.substr(1)), "read without failure");
    EXPECT_NE(Failure(whole.substr(0, whole.size() - 1)), "read without failure");
  }
}

TEST(Npz, DamagedFilesDoNoHarm) {
  Mutator mutate(7);
  for (const char* file : {"stored.npz", "deflated.npz"}) {
    const std::string whole = ReadText(Golden(file));
    for (int i = 0; i < 2000; ++i) Failure(mutate(whole));
  }
}

}  // namespace
}  // namespace skiff::formats
