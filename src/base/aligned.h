// AlignedBuffer: uninitialised memory that starts at a cache line.
//
// Buffers of some megabytes start at a huge page and ask the kernel for huge pages: weights are
// streamed, and page walks cost several per cent otherwise. ForWeights has smaller ones share huge
// pages, which are given back with the last of them. kSlack more bytes than asked for may be read
// past the end. Moves, does not copy; owns its memory. Thread-safety: as a plain array; making and
// destroying are safe from any thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>

namespace skiff {

class AlignedBuffer {
 public:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kSlack = 64;
  static constexpr size_t kHugePage = size_t{2} << 20;

  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&&) = default;
  AlignedBuffer& operator=(AlignedBuffer&&) = default;
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  // Throws std::bad_alloc.
  explicit AlignedBuffer(size_t bytes);
  static AlignedBuffer ForWeights(size_t bytes);

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
  AlignedBuffer(std::shared_ptr<std::byte> data, size_t bytes);

  std::shared_ptr<std::byte> data_;
  size_t bytes_ = 0;
};

}  // namespace skiff
