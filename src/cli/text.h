// Small things of text that verbs share: splitting, shapes, tables, JSON on standard output.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace skiff::cli {

// Keeps the order in which keys are set.
using Json = nlohmann::ordered_json;
void PrintJson(const Json& json);

std::vector<std::string> Split(std::string_view text, char separator);

// "1,3,224,224". An error when something is not a number or the product is out of all bounds.
Result<std::vector<int64_t>> ParseDims(std::string_view text);
std::string DimsText(std::span<const int64_t> dims);  // "1x3x224x224"; "scalar" for none

// Number of elements. REQUIRES: extents that ParseDims, ReadNpy or a Session gave.
int64_t Numel(std::span<const int64_t> dims);

enum class Align { kLeft, kRight };

// Columns as wide as their widest cell; a row may have fewer cells than there are columns.
class Table {
 public:
  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void Print() const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Cut to `width` characters with an ellipsis. Counts UTF-8 characters, not bytes.
std::string Shorten(const std::string& text, size_t width);
size_t DisplayWidth(std::string_view text);

}  // namespace skiff::cli
