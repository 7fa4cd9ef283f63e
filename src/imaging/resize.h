// Resampling that gives the bytes of Pillow's Image.resize: filters widen when shrinking
// (antialiasing), and there is one pass along x and one along y, with 8-bit pixels in between.
// Thread-safe.
#pragma once

#include <string_view>

#include "base/status.h"
#include "imaging/image.h"

namespace skiff::imaging {

enum class Interpolation { kNearest, kBilinear, kBicubic, kLanczos };

std::string_view Name(Interpolation interpolation);
Result<Interpolation> ParseInterpolation(std::string_view name);

Result<Image> Resize(const Image& image, int64_t width, int64_t height,
                     Interpolation interpolation);

}  // namespace skiff::imaging
