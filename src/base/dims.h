// Dims: the extents of an array, held inline, so that the shape program allocates nothing.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace skiff {

class Dims {
 public:
  static constexpr int kMaxRank = 8;

  Dims() = default;
  Dims(std::initializer_list<int64_t> dims) {
    for (int64_t d : dims) push_back(d);
  }
  // REQUIRES: dims.size() <= kMaxRank (check Fits first when the size comes from a file).
  explicit Dims(std::span<const int64_t> dims) {
    for (int64_t d : dims) push_back(d);
  }
  static bool Fits(size_t rank) { return rank <= static_cast<size_t>(kMaxRank); }

  [[nodiscard]] int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return dims_[static_cast<size_t>(i)]; }
  // REQUIRES: rank() < kMaxRank.
  void push_back(int64_t d) { dims_[static_cast<size_t>(rank_++)] = d; }
  [[nodiscard]] std::span<const int64_t> span() const {
    return {dims_.data(), static_cast<size_t>(rank_)};
  }

  // Number of elements; 1 for rank 0; -1 when an extent is negative or the product passes 2^62.
  [[nodiscard]] int64_t Numel() const { return Product(0, rank_); }
  // Product of the extents [begin, end), with the same rules.
  [[nodiscard]] int64_t Product(int begin, int end) const {
    int64_t n = 1;
    for (int i = begin; i < end; ++i) {
      const int64_t d = (*this)[i];
      if (d < 0 || __builtin_mul_overflow(n, d, &n) || n > (int64_t{1} << 62)) return -1;
    }
    return n;
  }

  friend bool operator==(const Dims& a, const Dims& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }

  // "[1, 3, 224, 224]".
  [[nodiscard]] std::string ToString() const {
    std::string s = "[";
    for (int i = 0; i < rank_; ++i) s += (i ? ", " : "") + std::to_string((*this)[i]);
    return s + "]";
  }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace skiff
