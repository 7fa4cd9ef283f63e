// For tests: the small models of tests/golden/formats, all saved by Paddle 2.6.2 or 3.3.1 but for
// `minimal`, and a deterministic source of damaged copies of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace skiff::formats {

inline std::string GoldenFolder(const std::string& name) {
  return std::string(SKIFF_SOURCE_DIR) + "/tests/golden/formats/" + name;
}

inline std::vector<std::string> GoldenFolders() {
  std::vector<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(GoldenFolder(""))) {
    if (entry.is_directory()) folders.push_back(entry.path().string());
  }
  return folders;
}

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// Copies of some bytes with a few bytes changed, a stretch removed or repeated, or the end cut off.
class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  std::string operator()(std::string bytes) {
    if (bytes.empty()) return bytes;
    switch (Below(6)) {
      case 0: bytes.resize(Below(bytes.size())); break;
      case 1: bytes.erase(Below(bytes.size()), 1 + Below(8)); break;
      case 2: {
        const size_t at = Below(bytes.size());
        bytes.insert(at, bytes.substr(at, 1 + Below(64)));
        break;
      }
      default:
        for (size_t n = 1 + Below(8); n > 0; --n) {
          bytes[Below(bytes.size())] = static_cast<char>(Below(256));
        }
    }
    return bytes;
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }
  std::mt19937 random_;
};

// A folder that goes away with its object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "skiff_formats.XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace skiff::formats
