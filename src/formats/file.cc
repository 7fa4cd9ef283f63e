#include "formats/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace skiff::formats {
namespace {

// Closes the descriptor when it goes out of scope.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  const int fd_;
};

Status SystemError(const std::string& path, std::string_view what) {
  const int error = errno;
  std::string message =
      path + ": " + std::string(what) + ": " + std::generic_category().message(error);
  return error == ENOENT ? NotFound(std::move(message)) : IoError(std::move(message));
}

Status WriteAll(int fd, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), size_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(path, "cannot write");
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return OkStatus();
}

}  // namespace

Result<program::Blob> MapFile(const std::string& path, size_t max_bytes) {
  // Not blocking: opening a named pipe would wait for its writer.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return SystemError(path, "cannot open");
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return SystemError(path, "cannot read");
  if (S_ISDIR(info.st_mode)) return InvalidArgument(path + ": is a directory, expected a file");
  if (!S_ISREG(info.st_mode)) return InvalidArgument(path + ": is not a regular file");
  const auto size = static_cast<size_t>(info.st_size);
  if (size > max_bytes) {
    return ResourceExhausted(path + ": has " + std::to_string(size) + " bytes, the limit is " +
                             std::to_string(max_bytes));
  }
  if (size == 0) return program::Blob();
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return SystemError(path, "cannot map");
  std::shared_ptr<const void> owner(
      data, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
  return program::Blob{std::move(owner), {static_cast<const std::byte*>(data), size}};
}

Result<std::unique_ptr<ReplacingFile>> ReplacingFile::Create(const std::string& path) {
  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return SystemError(path, "cannot create a file beside it");
  return std::unique_ptr<ReplacingFile>(new ReplacingFile(path, std::move(temporary), fd));
}

ReplacingFile::~ReplacingFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status ReplacingFile::Append(std::span<const std::byte> bytes) {
  return WriteAll(fd_, bytes, path_);
}

Status ReplacingFile::Commit() {
  // mkostemp makes private files; a model is readable by all that the umask allows.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(fd_, 0666 & ~mask) != 0) return SystemError(path_, "cannot set the mode");
  if (::fsync(fd_) != 0) return SystemError(path_, "cannot write");
  if (::close(std::exchange(fd_, -1)) != 0) return SystemError(path_, "cannot write");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return SystemError(path_, "cannot replace");
  }
  temporary_.clear();
  return OkStatus();
}

Status WriteFile(const std::string& path, std::span<const std::span<const std::byte>> parts) {
  SKIFF_ASSIGN_OR_RETURN(const std::unique_ptr<ReplacingFile> file, ReplacingFile::Create(path));
  for (const auto& part : parts) SKIFF_RETURN_IF_ERROR(file->Append(part));
  return file->Commit();
}

Status WriteFile(const std::string& path, std::string_view contents) {
  const std::span<const std::byte> part = std::as_bytes(std::span(contents));
  return WriteFile(path, {&part, 1});
}

}  // namespace skiff::formats
