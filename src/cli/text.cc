#include "cli/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace skiff::cli {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 40;
constexpr size_t kMaxRank = 8;

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace

void PrintJson(const Json& json) {
  // Names come from files; a byte that is no UTF-8 must not stop the answer.
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace);
  fmt::print("{}\n", text);
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (;;) {
    const size_t end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

Result<std::vector<int64_t>> ParseDims(std::string_view text) {
  std::vector<int64_t> dims;
  int64_t elements = 1;
  for (const std::string& part : Split(text, ',')) {
    int64_t extent = 0;
    const char* end = part.data() + part.size();
    const auto [stop, error] = std::from_chars(part.data(), end, extent);
    if (error != std::errc() || stop != end || extent < 1) {
      return InvalidArgument(fmt::format(
          "\"{}\" is not a shape: positive numbers separated by commas are wanted", text));
    }
    if (dims.size() == kMaxRank || __builtin_mul_overflow(elements, extent, &elements) ||
        elements > kMaxElements) {
      return InvalidArgument(fmt::format("the shape {} is too large", text));
    }
    dims.push_back(extent);
  }
  return dims;
}

std::string DimsText(std::span<const int64_t> dims) {
  return dims.empty() ? "scalar" : fmt::format("{}", fmt::join(dims, "x"));
}

int64_t Numel(std::span<const int64_t> dims) {
  int64_t elements = 1;
  for (int64_t extent : dims) elements *= extent;
  return elements;
}

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), StartsCharacter));
}

std::string Shorten(const std::string& text, size_t width) {
  if (DisplayWidth(text) <= width) return text;
  size_t bytes = 0;
  for (size_t characters = 0; bytes < text.size(); ++bytes) {
    if (StartsCharacter(text[bytes]) && ++characters == width) break;
  }
  return text.substr(0, bytes) + "…";
}

void Table::Print() const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], DisplayWidth(row[c]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - DisplayWidth(row[c]), ' ');
      if (c > 0) line += "  ";
      line += columns_[c] == Align::kLeft ? row[c] + padding : padding + row[c];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

}  // namespace skiff::cli
