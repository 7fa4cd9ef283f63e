// Cache: what calibration found out, kept on disk under a name made of all that it follows from, so
// that a second run, or one after a kill, goes on from there.
//
// Files are replaced whole and carry a checksum; what cannot be read is as good as absent. A
// failure to write is no error of the caller's work. Several processes may share a folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "program/program.h"

namespace skiff::quant {

// 128 bits, as 32 hexadecimal digits (XXH3).
std::string Digest(std::string_view bytes);
std::string Digest(std::span<const std::byte> bytes);
// Of operators, variables and parameters.
std::string Digest(const program::Program& program);

class Cache {
 public:
  // No folder: nothing is kept. The folder is made when the first entry is stored.
  explicit Cache(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] bool keeps() const { return !folder_.empty(); }
  [[nodiscard]] std::optional<std::string> Load(const std::string& key) const;
  void Store(const std::string& key, std::string_view bytes) const;

 private:
  [[nodiscard]] std::string PathOf(const std::string& key) const;
  void MakeRoom() const;

  std::string folder_;
};

// Plain values and arrays of them, one after the other.
class StateWriter {
 public:
  template <typename T>
  void Put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  template <typename T>
  void PutAll(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    Put<uint64_t>(values.size());
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  void PutText(std::string_view text) { PutAll(std::vector<char>(text.begin(), text.end())); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Reads what a StateWriter wrote. Once something is missing, ok() is false and all is zero or
// empty.
class StateReader {
 public:
  explicit StateReader(std::string_view bytes) : left_(bytes) {}
  template <typename T>
  T Get() {
    T value{};
    const std::string_view part = Take(sizeof(T));
    if (!part.empty()) part.copy(reinterpret_cast<char*>(&value), sizeof(T));
    return value;
  }
  template <typename T>
  std::vector<T> GetAll() {
    const auto count = Get<uint64_t>();
    if (count > left_.size() / sizeof(T)) ok_ = false;
    std::vector<T> values(ok_ ? count : 0);
    const std::string_view part = Take(values.size() * sizeof(T));
    part.copy(reinterpret_cast<char*>(values.data()), part.size());
    return values;
  }
  std::string GetText() {
    const std::vector<char> text = GetAll<char>();
    return {text.begin(), text.end()};
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return ok_ && left_.empty(); }

 private:
  std::string_view Take(size_t size) {
    if (size > left_.size()) ok_ = false;
    const std::string_view part = ok_ ? left_.substr(0, size) : std::string_view();
    left_.remove_prefix(part.size());
    return part;
  }

  std::string_view left_;
  bool ok_ = true;
};

}  // namespace skiff::quant
