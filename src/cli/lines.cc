#include "cli/lines.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace skiff::cli {

Status ForEachLine(const std::string& path,
                   const std::function<Status(size_t number, std::string_view line)>& visit) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound(fmt::format("{}: {}", path, std::strerror(errno)));
  std::vector<char> buffer(kMaxLineBytes + 1);
  size_t total = 0;
  for (size_t number = 1;; ++number) {
    file.getline(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto read = static_cast<size_t>(file.gcount());
    if (file.bad()) return IoError(path + ": reading failed");
    if (file.eof() && read == 0) return OkStatus();
    if (file.fail()) {
      return ResourceExhausted(
          fmt::format("{}:{}: a line of more than {} bytes, in what should be "
                      "a list of short lines",
                      path, number, kMaxLineBytes));
    }
    total += read;
    if (total > kMaxTextBytes) {
      return ResourceExhausted(
          fmt::format("{}: more than {} MiB of text", path, kMaxTextBytes >> 20));
    }
    std::string_view line(buffer.data(), file.eof() ? read : read - 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    SKIFF_RETURN_IF_ERROR(visit(number, line));
    if (file.eof()) return OkStatus();
  }
}

}  // namespace skiff::cli
