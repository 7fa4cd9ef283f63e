// Preprocess: from a picture to the floats that a network is fed, as the training tools of the
// field do it. Value types and pure functions; thread-safe.
//
// A picture is resized (to an exact size, or so that its short side has a given length), cropped in
// the middle, and every pixel becomes (pixel * scale - mean) / std, in float32 and in this order.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "imaging/image.h"
#include "imaging/resize.h"

namespace skiff::imaging {

enum class ChannelOrder { kRgb, kBgr };

std::string_view Name(ChannelOrder order);
Result<ChannelOrder> ParseChannelOrder(std::string_view name);

struct Preprocess {
  int resize_short = 256;  // length of the short side; 0: no resize
  int resize_height = 0;   // with resize_width: exactly this size instead of resize_short
  int resize_width = 0;
  Interpolation interpolation = Interpolation::kBilinear;
  int crop_size = 224;  // square, from the middle; 0: no crop
  float scale = 0.00392157F;
  std::array<float, 3> mean = {0.485F, 0.456F, 0.406F};  // in the order that is fed
  std::array<float, 3> std = {0.229F, 0.224F, 0.225F};
  ChannelOrder channel_order = ChannelOrder::kRgb;
  int label_offset = 0;  // class index = label + label_offset

  friend bool operator==(const Preprocess&, const Preprocess&) = default;
};

// An error naming the field, with the name that flags and preprocess.json use.
Status Validate(const Preprocess& preprocess);

// Resizes and crops.
Result<Image> Fit(const Image& image, const Preprocess& preprocess);

// Writes 3 planes of image.height * image.width floats, in the channel order that is fed.
void Normalise(const Image& image, const Preprocess& preprocess, float* dst);

// A preprocess.json: an object with any of resize_short, resize ([height, width]), interpolation,
// crop_size, scale, mean, std, channel_order, label_offset; the defaults stand for the others.
// An unknown key or a value of the wrong type is an error naming it.
Result<Preprocess> ParsePreprocessJson(std::string_view text);
Result<Preprocess> ReadPreprocessJson(const std::string& path);

}  // namespace skiff::imaging
