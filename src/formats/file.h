// Reading whole files, and replacing them whole.
//
// Thread-safety: pure functions of the file system. Ownership: a Blob keeps its mapping alive.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "program/program.h"

namespace skiff::formats {

// A read-only mapping of a regular file of at most `max_bytes`. Replace a mapped file by renaming
// (as WriteFile does), never by writing into it: truncating it would fault the readers.
Result<program::Blob> MapFile(const std::string& path, size_t max_bytes);

// A file that is written piece by piece under a temporary name beside `path`, and takes that name
// when it is complete. One that is never committed leaves nothing behind. Used by one thread.
class ReplacingFile {
 public:
  static Result<std::unique_ptr<ReplacingFile>> Create(const std::string& path);
  ~ReplacingFile();
  ReplacingFile(const ReplacingFile&) = delete;
  ReplacingFile& operator=(const ReplacingFile&) = delete;

  Status Append(std::span<const std::byte> bytes);
  // Once, after the last piece.
  Status Commit();

 private:
  ReplacingFile(std::string path, std::string temporary, int fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

  std::string path_;
  std::string temporary_;  // empty: committed
  int fd_;                 // -1: closed
};

// Writes the parts one after the other to a temporary file beside `path`, then renames it: readers
// see the old file or the whole new one, and a failure leaves the old one as it was.
Status WriteFile(const std::string& path, std::span<const std::span<const std::byte>> parts);
Status WriteFile(const std::string& path, std::string_view contents);

}  // namespace skiff::formats
