// AlignedBuffer: uninitialised memory that starts at a cache line, for packed weights.
//
// Buffers of some megabytes start at a huge page and ask the kernel for huge pages (packed weights
// are streamed; the page walks cost several per cent otherwise). `slack` more bytes than asked for
// may be read past the end. Moves, does not copy; owns its memory. Thread-safety: as a plain array.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace skiff {

class AlignedBuffer {
 public:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kSlack = 64;
  static constexpr size_t kHugePage = size_t{2} << 20;

  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes) : bytes_(bytes) {
    const bool huge = bytes >= kHugePage;
    const size_t alignment = huge ? kHugePage : kAlignment;
    const size_t total = (bytes + kSlack + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, total);
    if (memory == nullptr) throw std::bad_alloc();
    // Advice only: without huge pages the buffer is merely slower.
    if (huge) (void)madvise(memory, total, MADV_HUGEPAGE);
    data_.reset(static_cast<std::byte*>(memory));
    std::memset(data_.get() + bytes, 0, kSlack);
  }

  [[nodiscard]] size_t size() const { return bytes_; }
  template <typename T = std::byte>
  [[nodiscard]] T* As() {
    return reinterpret_cast<T*>(data_.get());
  }
  template <typename T = std::byte>
  [[nodiscard]] const T* As() const {
    return reinterpret_cast<const T*>(data_.get());
  }
  void Zero() {
    if (bytes_ != 0) std::memset(data_.get(), 0, bytes_);
  }

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> data_;
  size_t bytes_ = 0;
};

}  // namespace skiff
