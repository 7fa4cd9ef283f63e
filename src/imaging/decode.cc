#include "imaging/decode.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

namespace skiff::imaging {
namespace {

constexpr size_t kMaxFileBytes = size_t{512} << 20;
constexpr std::array<uint8_t, 3> kJpegMagic = {0xFF, 0xD8, 0xFF};
constexpr std::array<uint8_t, 8> kPngMagic = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

template <size_t N>
bool StartsWith(std::span<const std::byte> file, const std::array<uint8_t, N>& magic) {
  return file.size() >= N && std::memcmp(file.data(), magic.data(), N) == 0;
}

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Result<std::vector<std::byte>> ReadFile(const std::string& path) {
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) {
    const std::string reason = std::strerror(errno);
    return errno == ENOENT ? NotFound(reason) : IoError(reason);
  }
  std::vector<std::byte> bytes;
  size_t got = 0;
  std::array<std::byte, 65536> chunk;
  while ((got = std::fread(chunk.data(), 1, chunk.size(), file.get())) > 0) {
    if (bytes.size() + got > kMaxFileBytes) return ResourceExhausted("larger than 512 MiB");
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(got));
  }
  if (std::ferror(file.get()) != 0) return IoError(std::strerror(errno));
  return bytes;
}

}  // namespace

Result<Image> DecodeImage(std::span<const std::byte> file, int64_t max_pixels) {
  if (StartsWith(file, kJpegMagic)) return DecodeJpeg(file, max_pixels);
  if (StartsWith(file, kPngMagic)) return DecodePng(file, max_pixels);
  if (file.empty()) return Corruption("the file is empty");
  return Unsupported("neither a JPEG nor a PNG picture");
}

Result<Image> ReadImage(const std::string& path) {
  Result<std::vector<std::byte>> bytes = ReadFile(path);
  if (!bytes.ok()) return bytes.status().WithContext(path);
  Result<Image> image = DecodeImage(*bytes);
  if (!image.ok()) return image.status().WithContext(path);
  return image;
}

}  // namespace skiff::imaging
