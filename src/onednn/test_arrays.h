// Arrays for this room's tests.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

namespace skiff::onednn {

inline std::vector<float> Noise(int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = uniform(generator);
  return values;
}

struct FreeDeleter {
  void operator()(void* p) const { std::free(p); }
};

inline std::unique_ptr<void, FreeDeleter> Scratchpad(size_t bytes) {
  return std::unique_ptr<void, FreeDeleter>(std::aligned_alloc(64, (bytes / 64 + 1) * 64));
}

}  // namespace skiff::onednn
