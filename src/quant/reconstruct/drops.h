// DropGenerator: which elements of a tensor are left alone, reproducibly and at the speed of
// memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace skiff::quant {

// Mixes a seed (splitmix64), so that neighbouring ones give unrelated numbers.
inline uint64_t MixSeed(uint64_t seed) {
  uint64_t z = seed + 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

// Loops over tensors go chunk by chunk, with a chunk's random numbers in the cache.
inline constexpr size_t kChunk = 512;

// Calls fn(begin, count) for kChunk elements at a time, fewer at the end.
template <typename Fn>
void ForEachChunk(size_t n, const Fn& fn) {
  for (size_t i = 0; i < n; i += kChunk) fn(i, std::min(kChunk, n - i));
}

// xorshift32 generators side by side: the compiler turns the loops into vector code.
class DropGenerator {
 public:
  DropGenerator(uint64_t seed, float probability)
      : limit_(static_cast<int32_t>(
            std::clamp(probability * 4294967296.0 - 2147483648.0, -2147483648.0, 2147483647.0))) {
    for (size_t i = 0; i < kWidth; ++i) {
      state_[i] = static_cast<uint32_t>(MixSeed(seed * kWidth + i) >> 32) | 1U;
    }
  }
  // Does nothing for a probability of zero.
  void NextChunk() {
    if (limit_ == INT32_MIN) return;
    std::array<uint32_t, kWidth> s = state_;
    for (size_t i = 0; i < kChunk; i += kWidth) {
      for (size_t k = 0; k < kWidth; ++k) s[k] ^= s[k] << 13;
      for (size_t k = 0; k < kWidth; ++k) s[k] ^= s[k] >> 17;
      for (size_t k = 0; k < kWidth; ++k) s[k] ^= s[k] << 5;
      for (size_t k = 0; k < kWidth; ++k) drawn_[i + k] = static_cast<int32_t>(s[k]);
    }
    state_ = s;
  }
  // Is element i of the chunk left alone?
  [[nodiscard]] bool Drops(size_t i) const { return drawn_[i] < limit_; }

 private:
  static constexpr size_t kWidth = 8;

  std::array<uint32_t, kWidth> state_{};
  std::array<int32_t, kChunk> drawn_{};
  int32_t limit_;
};

}  // namespace skiff::quant
