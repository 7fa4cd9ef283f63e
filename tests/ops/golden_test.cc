// Every operator folder against the answers of Paddle 2.6.2: tests/golden/ops/<folder>/ holds a
// model whose outputs are the folder's cases (scripts/golden/make_op_goldens.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "formats/npy.h"
#include "skiff/session.h"

namespace skiff {
namespace {

struct Case {
  size_t index = 0;
  double tolerance = 0;
  std::string text;
};

std::vector<Case> ReadCases(const std::filesystem::path& folder) {
  std::vector<Case> cases;
  std::ifstream file(folder / "cases.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Case c;
    words >> c.index >> c.tolerance;
    std::getline(words, c.text);
    cases.push_back(c);
  }
  return cases;
}

template <typename T>
double At(const void* data, size_t i) {
  return static_cast<double>(static_cast<const T*>(data)[i]);
}

double ElementOf(DType type, const void* data, size_t i) {
  switch (type) {
    case DType::kFloat32: return At<float>(data, i);
    case DType::kFloat64: return At<double>(data, i);
    case DType::kInt32: return At<int32_t>(data, i);
    case DType::kInt64: return At<int64_t>(data, i);
    case DType::kInt8: return At<int8_t>(data, i);
    default: return At<uint8_t>(data, i);
  }
}

void Compare(const TensorView& got, const program::Tensor& want, const Case& c) {
  ASSERT_EQ(got.dtype, want.dtype) << c.text;
  ASSERT_EQ(got.dims, want.dims) << c.text;
  const size_t n = want.data.bytes.size() / SizeOf(want.dtype);
  double greatest = 0;
  double error = 0;
  for (size_t i = 0; i < n; ++i) {
    const double w = ElementOf(want.dtype, want.data.bytes.data(), i);
    const double g = ElementOf(got.dtype, got.data, i);
    if (w == g || (std::isnan(w) && std::isnan(g))) {
      if (std::isfinite(w)) greatest = std::max(greatest, std::abs(w));
      continue;
    }
    ASSERT_TRUE(std::isfinite(w) && std::isfinite(g))
        << c.text << ": " << g << " where Paddle has " << w << " at " << i;
    greatest = std::max(greatest, std::abs(w));
    error = std::max(error, std::abs(g - w));
  }
  EXPECT_LE(error, c.tolerance * greatest) << c.text;
}

class OpGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(OpGoldenTest, EqualsPaddle) {
  const std::filesystem::path folder =
      std::filesystem::path(SKIFF_SOURCE_DIR) / "tests/golden/ops" / GetParam();
  // Fake operators are run as they stand.
  auto session = Session::Load({.model_dir = folder.string()}, {.precision = Precision::kSimulate});
  ASSERT_TRUE(session.ok()) << session.status().ToString();
  std::vector<program::Tensor> inputs;
  for (size_t i = 0; i < (*session)->inputs().size(); ++i) {
    const std::string name = (*session)->inputs()[i].name;
    auto tensor = formats::ReadNpy((folder / ("in." + name + ".npy")).string());
    ASSERT_TRUE(tensor.ok()) << tensor.status().ToString();
    inputs.push_back(*std::move(tensor));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Status set =
        (*session)->SetInput(i, inputs[i].dtype, inputs[i].dims, inputs[i].data.bytes.data());
    ASSERT_TRUE(set.ok()) << set.ToString();
  }
  const Status run = (*session)->Run();
  ASSERT_TRUE(run.ok()) << run.ToString();
  const std::vector<Case> cases = ReadCases(folder);
  ASSERT_EQ(cases.size(), (*session)->outputs().size());
  for (const Case& c : cases) {
    auto want = formats::ReadNpy((folder / ("out." + std::to_string(c.index) + ".npy")).string());
    ASSERT_TRUE(want.ok()) << want.status().ToString();
    auto got = (*session)->Output(c.index);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    Compare(*got, *want, c);
  }
}

std::vector<std::string> Folders() {
  std::vector<std::string> folders;
  const auto root = std::filesystem::path(SKIFF_SOURCE_DIR) / "tests/golden/ops";
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    folders.push_back(entry.path().filename().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

INSTANTIATE_TEST_SUITE_P(Folders, OpGoldenTest, ::testing::ValuesIn(Folders()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace skiff
