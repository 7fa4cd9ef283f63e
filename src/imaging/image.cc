#include "imaging/image.h"

#include <string>

namespace skiff::imaging {

Result<Image> NewImage(int64_t width, int64_t height, int64_t max_pixels) {
  const std::string size = std::to_string(width) + " x " + std::to_string(height);
  if (width <= 0 || height <= 0)
    return InvalidArgument("a picture of " + size + " pixels is empty");
  if (width > kMaxSide || height > kMaxSide || width * height > max_pixels) {
    return ResourceExhausted("a picture of " + size + " pixels is too large; the limits are " +
                             std::to_string(max_pixels) + " pixels and " +
                             std::to_string(kMaxSide) + " for a side");
  }
  Image image{static_cast<int>(width), static_cast<int>(height), {}};
  image.rgb.resize(static_cast<size_t>(width * height) * 3);
  return image;
}

}  // namespace skiff::imaging
