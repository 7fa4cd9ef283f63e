#include "imaging/imagenet_sample.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "imaging/resize.h"

namespace skiff::imaging {
namespace {

constexpr std::array<double, 3> kMean = {0.485, 0.456, 0.406};
constexpr std::array<double, 3> kStd = {0.229, 0.224, 0.225};

// The script divides in float32; its mean and std are arrays of float64, so NumPy subtracts and
// divides in double and rounds each result to float32.
float Normalised(uint8_t pixel, size_t channel) {
  const float share = static_cast<float>(pixel) / 255.0F;
  const auto centred = static_cast<float>(double{share} - kMean[channel]);
  return static_cast<float>(double{centred} / kStd[channel]);
}

// Where the cut begins. Pillow rounds the corners, halves to the even side.
int Corner(int extent, int side) {
  return static_cast<int>(std::nearbyint(static_cast<double>(extent - side) / 2));
}

}  // namespace

Result<std::vector<float>> ImageNetSample(const Image& image, int short_side, int side) {
  const double factor = static_cast<double>(short_side) / std::min(image.width, image.height);
  SKIFF_ASSIGN_OR_RETURN(
      const Image resized,
      Resize(image, static_cast<int64_t>(std::nearbyint(image.width * factor)),
             static_cast<int64_t>(std::nearbyint(image.height * factor)), Interpolation::kLanczos));
  const int left = Corner(resized.width, side);
  const int top = Corner(resized.height, side);
  const auto n = static_cast<size_t>(side);
  std::vector<float> planes(3 * n * n);
  for (size_t y = 0; y < n; ++y) {
    const uint8_t* row = resized.row(top + static_cast<int>(y)) + static_cast<size_t>(left) * 3;
    for (size_t x = 0; x < n; ++x) {
      for (size_t c = 0; c < 3; ++c) {
        planes[(c * n + y) * n + x] = Normalised(row[x * 3 + c], c);
      }
    }
  }
  return planes;
}

}  // namespace skiff::imaging
