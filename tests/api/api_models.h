// What the tests of paddle_infer share: the bundled models, inputs, and how exceptions are looked
// at. They use the installed headers and the shared library alone.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "paddle_inference_api.h"

namespace skiff::api_tests {

inline std::string ModelDir(const std::string& name) {
  return std::string(SKIFF_SOURCE_DIR) + "/models/" + name;
}
inline std::string ProgFile(const std::string& name) {
  return ModelDir(name) + "/inference.pdmodel";
}
inline std::string ParamsFile(const std::string& name) {
  return ModelDir(name) + "/inference.pdiparams";
}

// A quiet Config of a bundled model, quantised layers in integers.
inline paddle_infer::Config ConfigOf(const std::string& name) {
  paddle_infer::Config config(ProgFile(name), ParamsFile(name));
  config.DisableGlogInfo();
  config.EnableMkldnnInt8();
  return config;
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Numbers that differ from picture to picture.
inline std::vector<float> Pixels(const std::vector<int>& shape, int seed = 0) {
  std::vector<float> pixels(
      static_cast<size_t>(std::accumulate(shape.begin(), shape.end(), 1, std::multiplies<>())));
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<float>((i * 7 + static_cast<size_t>(seed) * 31) % 255) / 60.0F - 2.0F;
  }
  return pixels;
}

// Sets the only input, runs, reads the only output.
inline std::vector<float> RunOn(paddle_infer::Predictor& predictor, const std::vector<int>& shape,
                                int seed = 0) {
  const auto input = predictor.GetInputHandle(predictor.GetInputNames()[0]);
  input->Reshape(shape);
  input->CopyFromCpu(Pixels(shape, seed).data());
  predictor.Run();
  const auto output = predictor.GetOutputHandle(predictor.GetOutputNames()[0]);
  const std::vector<int> out = output->shape();
  std::vector<float> scores(
      static_cast<size_t>(std::accumulate(out.begin(), out.end(), 1, std::multiplies<>())));
  output->CopyToCpu(scores.data());
  return scores;
}

// What fn() throws: the kind and the words; empty when it throws nothing.
template <typename Fn>
std::string ThrownBy(Fn&& fn) {
  try {
    fn();
  } catch (const paddle::platform::EnforceNotMet& failure) {
    return failure.what();
  }
  return "";
}

// What fn() writes to stderr.
template <typename Fn>
std::string LogOf(Fn&& fn) {
  ::testing::internal::CaptureStderr();
  fn();
  return ::testing::internal::GetCapturedStderr();
}

inline std::filesystem::path FreshDir(const std::string& name) {
  const auto dir = std::filesystem::path(::testing::TempDir()) / ("skiff_api_" + name);
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(dir);
  return dir;
}

// 1000 classes of one small picture.
inline const std::vector<int> kSmall = {1, 3, 64, 64};

}  // namespace skiff::api_tests
