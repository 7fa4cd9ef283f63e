#include "formats/kernel_cache.h"

#include <zlib.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>

#include "formats/file.h"
#include "formats/limits.h"

namespace skiff::formats {
namespace {

constexpr std::string_view kHead = "skiff kernel cache 1\n";
constexpr std::string_view kSum = "crc32 ";
constexpr std::string_view kMachine = "machine ";

std::string Sum(std::string_view text) {
  const uLong crc =
      crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%08lx", static_cast<unsigned long>(crc));
  return digits.data();
}

// Takes the text up to `end` off the front; nullopt where there is no `end`.
std::optional<std::string_view> Take(std::string_view* text, char end) {
  const size_t at = text->find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text->substr(0, at);
  text->remove_prefix(at + 1);
  return taken;
}

bool TakePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool TakeKernel(std::string_view* text, KernelCache* cache) {
  std::optional<std::string_view> line = Take(text, '\n');
  if (!line) return false;
  const std::optional<std::string_view> threads = Take(&*line, ' ');
  const std::optional<std::string_view> layer = threads ? Take(&*line, ' ') : std::nullopt;
  if (!layer) return false;
  int n = 0;
  const char* end = threads->data() + threads->size();
  const auto [stop, error] = std::from_chars(threads->data(), end, n);
  if (error != std::errc() || stop != end) return false;
  cache->kernels[{n, std::string(*layer)}] = std::string(*line);
  return true;
}

}  // namespace

Result<KernelCache> ReadKernelCache(const std::string& path) {
  SKIFF_ASSIGN_OR_RETURN(const program::Blob file, MapFile(path, kMaxTextBytes));
  std::string_view text(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
  if (!TakePrefix(&text, kHead)) return Corruption(path + ": not a kernel cache of this version");
  const Status damaged = Corruption(path + ": a damaged kernel cache");
  if (!TakePrefix(&text, kSum)) return damaged;
  const std::optional<std::string_view> sum = Take(&text, '\n');
  if (!sum || *sum != Sum(text) || !TakePrefix(&text, kMachine)) return damaged;
  KernelCache cache;
  const std::optional<std::string_view> machine = Take(&text, '\n');
  if (!machine) return damaged;
  cache.machine = std::string(*machine);
  while (!text.empty()) {
    if (!TakeKernel(&text, &cache)) return damaged;
  }
  return cache;
}

Status WriteKernelCache(const std::string& path, const KernelCache& cache) {
  std::string text = std::string(kMachine) + cache.machine + "\n";
  for (const auto& [key, kernel] : cache.kernels) {
    text += std::to_string(key.first) + " " + key.second + " " + kernel + "\n";
  }
  return WriteFile(path, std::string(kHead) + std::string(kSum) + Sum(text) + "\n" + text);
}

}  // namespace skiff::formats
