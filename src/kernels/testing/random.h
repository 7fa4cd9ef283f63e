// For the tests of this room: random codes with many extremes, buffers that end at a guard page,
// random epilogues.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "kernels/epilogue/epilogue.h"

namespace skiff::kernels::testing {

inline constexpr size_t kSlack = 64;  // steps::kBufferSlack, which this room cannot see

// `size` elements and kSlack readable bytes, up against a page that may not be touched. So the
// first element lies at any multiple of the element's size: vectors in it are rarely aligned.
template <typename T>
class Buffer {
 public:
  explicit Buffer(int64_t size) : size_(static_cast<size_t>(std::max<int64_t>(size, 0))) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t used = (bytes() + kSlack + page - 1) / page * page;
    mapped_ = used + 2 * page;
    map_ = static_cast<std::byte*>(
        mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (map_ == MAP_FAILED || mprotect(map_ + page, used, PROT_READ | PROT_WRITE) != 0) {
      std::abort();
    }
    end_ = map_ + page + used - kSlack;
    std::memset(end_, kUntouched, kSlack);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept
      : size_(other.size_),
        mapped_(other.mapped_),
        map_(std::exchange(other.map_, nullptr)),
        end_(other.end_) {}
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() {
    if (map_ != nullptr) munmap(map_, mapped_);
  }

  T* data() { return reinterpret_cast<T*>(end_ - bytes()); }
  const T* data() const { return reinterpret_cast<const T*>(end_ - bytes()); }
  T& operator[](int64_t i) { return data()[i]; }
  const T& operator[](int64_t i) const { return data()[i]; }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(size_); }
  // Equal elements, and nothing was written past them.
  friend bool operator==(const Buffer& a, const Buffer& b) {
    return a.size_ == b.size_ && std::memcmp(a.data(), b.data(), a.bytes()) == 0 &&
           a.SlackIsUntouched() && b.SlackIsUntouched();
  }

 private:
  static constexpr int kUntouched = 0x7f;

  [[nodiscard]] size_t bytes() const { return size_ * sizeof(T); }
  [[nodiscard]] bool SlackIsUntouched() const {
    return std::all_of(end_, end_ + kSlack, [](std::byte b) { return b == std::byte{kUntouched}; });
  }

  size_t size_;
  size_t mapped_ = 0;
  std::byte* map_ = nullptr;
  std::byte* end_ = nullptr;  // of the elements
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
      : m(channels + kReadable), b(channels + kReadable) {
    const float spread = 0.02F / static_cast<float>(depth);
    for (int64_t c = 0; c < channels; ++c) {
      m[c] = random->Float(-spread, spread);
      b[c] = random->Float(-20.0F, 60.0F);
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
    epilogue.hi = random->Float(90.0F, 127.0F);  // as relu6 clamps: between two codes
    ClampCodes(&epilogue, channels, depth * 256 * 128);
  }

  // What kEpilogueSlack has more than every buffer.
  static constexpr int64_t kReadable = kEpilogueSlack - kSlack / sizeof(float);

  Buffer<float> m;
  Buffer<float> b;
  Epilogue epilogue;
};

inline int64_t SizeOfStore(StoreType store) { return store == StoreType::kF32 ? 4 : 1; }
inline int64_t SizeOfResidual(ResidualType residual) {
  return residual == ResidualType::kF32 ? 4 : 1;
}

}  // namespace skiff::kernels::testing
