// Typed reading of attributes, tolerant of the drift between Paddle's versions (docs/formats.md):
// INT, LONG and BOOLEAN stand for each other, FLOAT for FLOAT64, INTS for LONGS. A missing
// attribute is the operator's default; one of a wrong type is an error that names it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "program/program.h"

namespace skiff::program {

class AttributeReader {
 public:
  // `attributes` must outlive the reader.
  explicit AttributeReader(std::span<const Attribute> attributes) : attributes_(attributes) {}

  [[nodiscard]] bool Has(std::string_view name) const;
  // Each returns the attribute or `fallback`. The first failure is kept for status() and the
  // fallback returned, so that an operator reads all its attributes and checks once.
  int64_t Int(std::string_view name, int64_t fallback);
  bool Bool(std::string_view name, bool fallback);
  float Float(std::string_view name, float fallback);
  std::string String(std::string_view name, std::string_view fallback);
  std::vector<int64_t> Ints(std::string_view name, std::vector<int64_t> fallback);
  std::vector<float> Floats(std::string_view name, std::vector<float> fallback);

  [[nodiscard]] const Status& status() const { return status_; }

 private:
  const Attribute* Find(std::string_view name) const;
  void Fail(std::string_view name, std::string_view wanted, const Attribute& got);

  std::span<const Attribute> attributes_;
  Status status_;
};

}  // namespace skiff::program
