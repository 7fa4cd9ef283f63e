// For the tests of this room: random codes with many extremes, exact-sized buffers, random
// epilogues.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "kernels/epilogue/epilogue.h"

namespace skiff::kernels::testing {

inline constexpr size_t kSlack = 64;  // steps::kBufferSlack, which this room cannot see

// `size` elements and kSlack readable bytes; the address sanitizer sees any access beyond.
template <typename T>
class Buffer {
 public:
  explicit Buffer(int64_t size)
      : size_(static_cast<size_t>(std::max<int64_t>(size, 0))),
        bytes_(std::make_unique<std::byte[]>(size_ * sizeof(T) + kSlack)) {
    std::memset(bytes_.get() + size_ * sizeof(T), 0x7f, kSlack);
  }
  T* data() { return reinterpret_cast<T*>(bytes_.get()); }
  const T* data() const { return reinterpret_cast<const T*>(bytes_.get()); }
  T& operator[](int64_t i) { return data()[i]; }
  const T& operator[](int64_t i) const { return data()[i]; }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(size_); }
  friend bool operator==(const Buffer& a, const Buffer& b) {
    return a.size_ == b.size_ && std::memcmp(a.data(), b.data(), a.size_ * sizeof(T)) == 0;
  }

 private:
  size_t size_;
  std::unique_ptr<std::byte[]> bytes_;
};

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  int Int(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  float Float(float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(engine_);
  }
  // An extreme every fourth time.
  int Code(int low, int high) {
    const int kind = Int(0, 7);
    return kind == 0 ? low : kind == 1 ? high : Int(low, high);
  }
  template <typename T>
  void Codes(Buffer<T>* buffer, int low, int high) {
    for (int64_t i = 0; i < buffer->size(); ++i) (*buffer)[i] = static_cast<T>(Code(low, high));
  }
  template <typename T>
  void Codes(std::vector<T>* v, int low, int high) {
    for (T& x : *v) x = static_cast<T>(Code(low, high));
  }

 private:
  std::mt19937 engine_;
};

// An epilogue with its arrays, whose values spread over the codes for sums of `depth` products.
struct RandomEpilogue {
  RandomEpilogue(Random* random, int64_t channels, int64_t depth, EpilogueActivation activation,
                 StoreType store, ResidualType residual, bool half_away)
      : m(static_cast<size_t>(channels + kEpilogueSlack)), b(m.size()) {
    const float spread = 0.02F / static_cast<float>(depth);
    for (int64_t c = 0; c < channels; ++c) {
      m[static_cast<size_t>(c)] = random->Float(-spread, spread);
      b[static_cast<size_t>(c)] = random->Float(-20.0F, 60.0F);
    }
    epilogue.m = m.data();
    epilogue.b = b.data();
    epilogue.mr = 0.37F;
    epilogue.residual = residual;
    epilogue.activation = activation;
    epilogue.alpha = 1.0F / 6.0F;
    epilogue.beta = 0.5F;
    epilogue.post = 1.7F;
    epilogue.store = store;
    epilogue.half_away = half_away;
    epilogue.lo = store == StoreType::kS8 ? -127.0F : store == StoreType::kU8 ? 0.0F : -30.0F;
    epilogue.hi = 127.0F;
  }

  std::vector<float> m;
  std::vector<float> b;
  Epilogue epilogue;
};

inline int64_t SizeOfStore(StoreType store) { return store == StoreType::kF32 ? 4 : 1; }
inline int64_t SizeOfResidual(ResidualType residual) {
  return residual == ResidualType::kF32 ? 4 : 1;
}

}  // namespace skiff::kernels::testing
