// What the fuzz targets share: the bytes of an input as the types that readers take, and files that
// have no place in the file system.
//
// A target calls one reader with any bytes. The reader may refuse them; the sanitizers, the checks
// below and the limits of scripts/fuzz.sh on memory and time say what it may not do.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace skiff::fuzz {

// The target stops with what went wrong, as with any other crash.
inline void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

// Takes an input apart.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(data, size) {}

  // 0 when there is nothing left.
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }

  // A length of four bytes, little-endian, and that many bytes or all that are left.
  std::span<const std::byte> Part() {
    uint32_t length = 0;
    for (int i = 0; i < 4; ++i) length |= static_cast<uint32_t>(Byte()) << (8 * i);
    const auto part = rest_.first(std::min<size_t>(length, rest_.size()));
    rest_ = rest_.subspan(part.size());
    return std::as_bytes(part);
  }

  [[nodiscard]] std::span<const std::byte> Bytes() const { return std::as_bytes(rest_); }
  [[nodiscard]] std::string_view Text() const {
    return {reinterpret_cast<const char*>(rest_.data()), rest_.size()};
  }

 private:
  std::span<const uint8_t> rest_;
};

// A file in memory with these contents, for readers that take a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view contents) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    const ssize_t written = ::write(file_, contents.data(), contents.size());
    Require(written == static_cast<ssize_t>(contents.size()), "no file in memory");
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

// Reads every byte, so that the address sanitizer sees a view of what is not there.
inline void Touch(const void* data, size_t size) {
  const auto* bytes = static_cast<const volatile unsigned char*>(data);
  for (size_t i = 0; i < size; ++i) (void)bytes[i];
}

}  // namespace skiff::fuzz
