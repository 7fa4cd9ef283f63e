// Image: 8-bit RGB pixels, rows from the top, no padding. A value type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/status.h"

namespace skiff::imaging {

// Bounds of every picture that is decoded or made: what a lying header can make us allocate.
inline constexpr int64_t kMaxPixels = 100'000'000;
inline constexpr int64_t kMaxSide = 65'535;

struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;  // width * height * 3

  [[nodiscard]] size_t row_bytes() const { return static_cast<size_t>(width) * 3; }
  [[nodiscard]] const uint8_t* row(int y) const {
    return rgb.data() + static_cast<size_t>(y) * row_bytes();
  }
  [[nodiscard]] uint8_t* row(int y) { return rgb.data() + static_cast<size_t>(y) * row_bytes(); }
};

// An image of zeros; an error when a side is not positive or a bound is passed.
Result<Image> NewImage(int64_t width, int64_t height, int64_t max_pixels = kMaxPixels);

}  // namespace skiff::imaging
