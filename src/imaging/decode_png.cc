#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "imaging/decode.h"

namespace skiff::imaging {
namespace {

// All that one decoding owns. libpng reports errors by longjmp, which skips destructors: so every
// object with one lives here, above the setjmp.
struct Decoder {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::byte> rest;
  std::array<char, 256> message{};
  Status status;
  Image image;
  std::vector<png_bytep> rows;
  int64_t max_pixels = 0;

  ~Decoder() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto* self = static_cast<Decoder*>(png_get_error_ptr(png));
  std::snprintf(self->message.data(), self->message.size(), "%s", message);
  png_longjmp(png, 1);
}

void OnWarning(png_structp /*png*/, png_const_charp /*message*/) {}

void OnRead(png_structp png, png_bytep data, size_t bytes) {
  auto* self = static_cast<Decoder*>(png_get_io_ptr(png));
  if (bytes > self->rest.size()) png_error(png, "the file ends too early");
  std::memcpy(data, self->rest.data(), bytes);
  self->rest = self->rest.subspan(bytes);
}

// Every colour type and depth becomes 8-bit RGB; alpha and low bytes are dropped.
void ConvertToRgb8(png_structp png, png_infop info) {
  const png_byte type = png_get_color_type(png, info);
  png_set_strip_16(png);
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if ((type & PNG_COLOR_MASK_COLOR) == 0) {
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_gray_to_rgb(png);
  }
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

// Fills self.image, or sets self.status, or leaves by longjmp. Holds no object with a destructor
// across a call into libpng.
void Decode(Decoder& self) {
  png_set_user_limits(self.png, static_cast<png_uint_32>(kMaxSide),
                      static_cast<png_uint_32>(kMaxSide));
  png_set_read_fn(self.png, &self, OnRead);
  png_read_info(self.png, self.info);
  {
    Result<Image> image = NewImage(png_get_image_width(self.png, self.info),
                                   png_get_image_height(self.png, self.info), self.max_pixels);
    if (!image.ok()) {
      self.status = image.status();
      return;
    }
    self.image = *std::move(image);
  }
  ConvertToRgb8(self.png, self.info);
  if (png_get_rowbytes(self.png, self.info) != self.image.row_bytes()) {
    png_error(self.png, "a colour type that does not convert to RGB");
  }
  self.rows.resize(static_cast<size_t>(self.image.height));
  for (int y = 0; y < self.image.height; ++y) self.rows[static_cast<size_t>(y)] = self.image.row(y);
  png_read_image(self.png, self.rows.data());
}

}  // namespace

Result<Image> DecodePng(std::span<const std::byte> file, int64_t max_pixels) {
  Decoder self;
  self.max_pixels = max_pixels;
  self.rest = file;
  self.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &self, OnError, OnWarning);
  if (self.png == nullptr) return ResourceExhausted("PNG: no memory");
  self.info = png_create_info_struct(self.png);
  if (self.info == nullptr) return ResourceExhausted("PNG: no memory");
  if (setjmp(png_jmpbuf(self.png)) != 0) {  // NOLINT(cert-err52-cpp): libpng has no other way
    return Corruption("PNG: " + std::string(self.message.data()));
  }
  Decode(self);
  if (!self.status.ok()) return self.status.WithContext("PNG");
  return std::move(self.image);
}

}  // namespace skiff::imaging
