// ConvertWeightToFp16 writes the bytes of Paddle 2.6.2, and what is stored as float16 or bfloat16
// runs as the float32 model that has the same values.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "formats/file.h"
#include "formats/model_files.h"
#include "formats/npy.h"
#include "formats/test_models.h"
#include "program/blob.h"
#include "skiff/quantize_weights.h"
#include "skiff/session.h"

namespace skiff {
namespace {

const std::string kGolden = std::string(SKIFF_SOURCE_DIR) + "/tests/golden/";

ModelSource Folder(const std::string& folder) {
  ModelSource source;
  source.model_dir = folder;
  return source;
}

std::vector<std::byte> BytesOf(const std::string& path) {
  const program::Blob file = *formats::MapFile(path, size_t{1} << 30);
  return {file.bytes.begin(), file.bytes.end()};
}

// The first output for the golden picture.
std::vector<float> RunModel(const std::string& folder) {
  const program::Tensor picture = *formats::ReadNpy(kGolden + "quantised/x.npy");
  Result<std::unique_ptr<Session>> session = Session::Load(Folder(folder), {});
  EXPECT_TRUE(session.ok()) << session.status().ToString();
  if (!session.ok()) return {};
  EXPECT_TRUE((*session)->SetInput(0, picture.dtype, picture.dims, picture.data.bytes.data()).ok());
  EXPECT_TRUE((*session)->Run().ok());
  const Result<TensorView> out = (*session)->Output(0);
  const auto* values = static_cast<const float*>(out->data);
  return {values, values + out->bytes / sizeof(float)};
}

// The same with every parameter in float32.
std::vector<float> RunWidened(program::Program program) {
  for (auto& [name, tensor] : program.params) tensor = program::Widened(tensor);
  const formats::TemporaryFolder folder;
  EXPECT_TRUE(
      formats::SaveModel(program, folder.path(), "wide", program::ParamsLayout::kCombined).ok());
  return RunModel(folder.path());
}

double Difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference = std::fmax(difference, std::fabs(a[i] - b[i]));
  }
  return difference;
}

TEST(HalfWeightsTest, BytesOfPaddle) {
  const formats::TemporaryFolder out;
  const Fp16Options names{"inference.pdmodel", "inference.pdiparams"};
  const auto report = ConvertWeightToFp16(Folder(kGolden + "fp16"), names, out.path());
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->bytes_after * 2, report->bytes_before);
  EXPECT_EQ(BytesOf(out / "inference.pdiparams"), BytesOf(kGolden + "fp16/float16.pdiparams"));
  EXPECT_EQ(BytesOf(out / "inference.pdmodel"), BytesOf(kGolden + "fp16/inference.pdmodel"));
}

TEST(HalfWeightsTest, Float16RunsAsItsValuesInFloat32) {
  const formats::TemporaryFolder out;
  const std::string model = kGolden + "formats/q26_fp32";
  const auto report = ConvertWeightToFp16(Folder(model), {}, out.path());
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  for (const StoredWeight& row : report->weights) {
    EXPECT_EQ(row.why_float, "") << row.weight;
    EXPECT_NE(row.op, "") << row.weight;
  }
  const std::vector<float> got = RunModel(out.path());
  EXPECT_EQ(got, RunWidened(*formats::LoadModel(Folder(out.path()))));
  const double error = Difference(got, RunModel(model));
  EXPECT_GT(error, 0);
  EXPECT_LT(error, 0.01);
}

TEST(HalfWeightsTest, BFloat16RunsAsItsValuesInFloat32) {
  program::Program program = *formats::LoadModel(Folder(kGolden + "formats/q26_fp32"));
  for (auto& [name, tensor] : program.params) {
    if (tensor.dtype != DType::kFloat32) continue;
    std::vector<uint16_t> upper;
    for (const float v : tensor.As<float>()) {
      upper.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(v) >> 16));
    }
    tensor = program::MakeTensor<uint16_t>(DType::kBFloat16, tensor.dims, upper);
  }
  const formats::TemporaryFolder out;
  ASSERT_TRUE(
      formats::SaveModel(program, out.path(), "narrow", program::ParamsLayout::kCombined).ok());
  EXPECT_EQ(RunModel(out.path()), RunWidened(program));
}

TEST(HalfWeightsTest, WhatFloat16CannotHoldStays) {
  program::Program program = *formats::LoadModel(Folder(kGolden + "formats/q26_fp32"));
  const auto weight = std::find_if(program.params.begin(), program.params.end(),
                                   [](const auto& p) { return p.second.dtype == DType::kFloat32; });
  std::vector<float> values(weight->second.As<float>().begin(), weight->second.As<float>().end());
  values[0] = 65505;
  weight->second = program::MakeTensor<float>(DType::kFloat32, weight->second.dims, values);
  const formats::TemporaryFolder large;
  ASSERT_TRUE(
      formats::SaveModel(program, large.path(), "large", program::ParamsLayout::kCombined).ok());
  const formats::TemporaryFolder out;
  const auto report = ConvertWeightToFp16(Folder(large.path()), {}, out.path());
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  for (const StoredWeight& row : report->weights) {
    EXPECT_EQ(row.why_float.find("65504") != std::string::npos, row.weight == weight->first);
    EXPECT_EQ(row.why_float.empty(), row.weight != weight->first);
  }
  const program::Program written = *formats::LoadModel(Folder(out.path()));
  EXPECT_EQ(written.params.at(weight->first).As<float>()[0], 65505);
}

}  // namespace
}  // namespace skiff
