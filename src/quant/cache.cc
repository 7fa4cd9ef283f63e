#include "quant/cache.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "formats/file.h"
#include "formats/program_writer.h"

namespace skiff::quant {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigest = 32;
constexpr size_t kMostBytes = size_t{4} << 30;          // of one entry
constexpr uintmax_t kFolderBytes = uintmax_t{2} << 30;  // of all; the oldest go first

std::string Text(XXH128_hash_t hash) {
  std::array<char, kDigest + 1> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text.data();
}

}  // namespace

std::string Digest(std::string_view bytes) {
  return Text(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string Digest(std::span<const std::byte> bytes) {
  return Digest(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

std::string Digest(const program::Program& program) {
  const Result<std::string> operators = formats::SerializeProgram(program);
  std::string all = operators.ok() ? Digest(*operators) : std::string();
  for (const auto& [name, tensor] : program.params) {
    all += name + Digest(tensor.data.bytes);
  }
  return Digest(all);
}

std::string Cache::PathOf(const std::string& key) const {
  return (fs::path(folder_) / (Digest(key) + ".state")).string();
}

std::optional<std::string> Cache::Load(const std::string& key) const {
  if (folder_.empty()) return std::nullopt;
  const Result<program::Blob> file = formats::MapFile(PathOf(key), kMostBytes);
  if (!file.ok() || file->bytes.size() < kDigest) return std::nullopt;
  const std::string_view bytes(reinterpret_cast<const char*>(file->bytes.data()),
                               file->bytes.size());
  const std::string_view content = bytes.substr(kDigest);
  if (bytes.substr(0, kDigest) != Digest(content)) return std::nullopt;
  return std::string(content);
}

void Cache::Store(const std::string& key, std::string_view bytes) const {
  if (folder_.empty()) return;
  std::error_code error;
  fs::create_directories(folder_, error);
  MakeRoom();
  (void)formats::WriteFile(PathOf(key), Digest(bytes) + std::string(bytes));
}

void Cache::MakeRoom() const {
  struct Entry {
    fs::file_time_type time;
    uintmax_t size;
    fs::path path;
  };
  std::error_code error;
  std::vector<Entry> entries;
  uintmax_t all = 0;
  for (const auto& file : fs::directory_iterator(folder_, error)) {
    if (file.path().extension() != ".state") continue;
    const uintmax_t size = file.file_size(error);
    if (error) continue;
    entries.push_back({file.last_write_time(error), size, file.path()});
    all += size;
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.time < b.time; });
  for (const Entry& entry : entries) {
    if (all <= kFolderBytes) return;
    if (fs::remove(entry.path, error)) all -= entry.size;
  }
}

}  // namespace skiff::quant
