// A picture as PaddleSlim's data files of ImageNet hold it, byte for byte as its Python script
// makes it. Pure; thread-safe.
#pragma once

#include <vector>

#include "base/status.h"
#include "imaging/image.h"

namespace skiff::imaging {

// The short side becomes `short_side` (Pillow's LANCZOS), a square of `side` is cut from the
// middle, and planes R, G, B hold (pixel / 255 - mean) / std. REQUIRES: 0 < side <= short_side.
Result<std::vector<float>> ImageNetSample(const Image& image, int short_side, int side);

}  // namespace skiff::imaging
