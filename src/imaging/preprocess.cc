#include "imaging/preprocess.h"

#include <algorithm>
#include <cmath>

namespace skiff::imaging {
namespace {

struct Size {
  int64_t width;
  int64_t height;
};

// The other side is rounded half to even, as Python's round() does.
Size ShortSideSize(const Image& image, int short_side) {
  const auto scaled = [short_side](int other, int shortest) {
    return std::llrint(static_cast<double>(int64_t{other} * short_side) / shortest);
  };
  if (image.width <= image.height) return {short_side, scaled(image.height, image.width)};
  return {scaled(image.width, image.height), short_side};
}

Result<Image> Crop(const Image& image, int size) {
  if (image.width < size || image.height < size) {
    return InvalidArgument("crop_size " + std::to_string(size) + " does not fit in a picture of " +
                           std::to_string(image.width) + " x " + std::to_string(image.height) +
                           " pixels; a larger resize_short, or a crop_size of 0, would help");
  }
  SKIFF_ASSIGN_OR_RETURN(Image out, NewImage(size, size));
  const int left = (image.width - size) / 2;
  const int top = (image.height - size) / 2;
  for (int y = 0; y < size; ++y) {
    std::copy_n(image.row(top + y) + static_cast<ptrdiff_t>(left) * 3, out.row_bytes(), out.row(y));
  }
  return out;
}

}  // namespace

std::string_view Name(ChannelOrder order) { return order == ChannelOrder::kRgb ? "rgb" : "bgr"; }

Result<ChannelOrder> ParseChannelOrder(std::string_view name) {
  if (name == "rgb") return ChannelOrder::kRgb;
  if (name == "bgr") return ChannelOrder::kBgr;
  return InvalidArgument("unknown channel order \"" + std::string(name) +
                         "\"; known are rgb and bgr");
}

Status Validate(const Preprocess& p) {
  const auto bad_side = [](int side) { return side < 0 || side > kMaxSide; };
  const std::string range = " must be between 0 and " + std::to_string(kMaxSide);
  if (bad_side(p.resize_short)) return InvalidArgument("resize_short" + range);
  if (bad_side(p.crop_size)) return InvalidArgument("crop_size" + range);
  if (bad_side(p.resize_height) || bad_side(p.resize_width)) {
    return InvalidArgument("resize" + range);
  }
  if ((p.resize_height == 0) != (p.resize_width == 0)) {
    return InvalidArgument("resize needs a height and a width");
  }
  if (!std::isfinite(p.scale)) return InvalidArgument("scale must be finite");
  for (size_t c = 0; c < 3; ++c) {
    if (!std::isfinite(p.mean[c])) return InvalidArgument("mean must be finite");
    if (!std::isfinite(p.std[c]) || p.std[c] == 0) {
      return InvalidArgument("std must be finite and not zero");
    }
  }
  return OkStatus();
}

Result<Image> Fit(const Image& image, const Preprocess& p) {
  SKIFF_RETURN_IF_ERROR(Validate(p));
  Size size{image.width, image.height};
  if (p.resize_height != 0) {
    size = {p.resize_width, p.resize_height};
  } else if (p.resize_short != 0) {
    size = ShortSideSize(image, p.resize_short);
  }
  SKIFF_ASSIGN_OR_RETURN(Image out, Resize(image, size.width, size.height, p.interpolation));
  if (p.crop_size == 0) return out;
  return Crop(out, p.crop_size);
}

void Normalise(const Image& image, const Preprocess& p, float* dst) {
  const size_t pixels = static_cast<size_t>(image.width) * static_cast<size_t>(image.height);
  for (size_t c = 0; c < 3; ++c) {
    // A pixel has 256 values, so the division is paid 256 times.
    std::array<float, 256> value;
    for (size_t i = 0; i < value.size(); ++i) {
      value[i] = (static_cast<float>(i) * p.scale - p.mean[c]) / p.std[c];
    }
    const uint8_t* src = image.rgb.data() + (p.channel_order == ChannelOrder::kRgb ? c : 2 - c);
    float* plane = dst + c * pixels;
    for (size_t i = 0; i < pixels; ++i) plane[i] = value[src[i * 3]];
  }
}

}  // namespace skiff::imaging
