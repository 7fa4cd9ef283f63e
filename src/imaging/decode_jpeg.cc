#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "imaging/decode.h"

// These lean on what was included before them, and on each other's order.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

namespace skiff::imaging {
namespace {

// A progressive file may repeat scans over a large picture for hours; real ones have about ten.
constexpr int kMaxScans = 200;

// All that one decoding owns. libjpeg reports errors by longjmp, which skips destructors: so every
// object with one lives here, above the setjmp.
struct Decoder {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf on_error;
  std::array<char, JMSG_LENGTH_MAX> message{};
  Status status;
  Image image;
  std::vector<uint8_t> row;
  int64_t max_pixels = 0;

  ~Decoder() { jpeg_destroy_decompress(&jpeg); }
};

Decoder& Self(j_common_ptr jpeg) { return *static_cast<Decoder*>(jpeg->client_data); }

[[noreturn]] void OnError(j_common_ptr jpeg) {
  Decoder& self = Self(jpeg);
  jpeg->err->format_message(jpeg, self.message.data());
  std::longjmp(self.on_error, 1);
}

// Level -1 is a warning. libjpeg goes on after any damage; we accept what Pillow accepts, which is
// all but a file that ends too early.
void OnMessage(j_common_ptr jpeg, int level) {
  if (level == -1 && jpeg->err->msg_code == JWRN_JPEG_EOF) OnError(jpeg);
}

void OnProgress(j_common_ptr jpeg) {
  if (Self(jpeg).jpeg.input_scan_number <= kMaxScans) return;
  std::snprintf(Self(jpeg).message.data(), JMSG_LENGTH_MAX, "more than %d scans", kMaxScans);
  std::longjmp(Self(jpeg).on_error, 1);
}

void ExpandGrey(const uint8_t* src, uint8_t* dst, int width) {
  for (int x = 0; x < width; ++x, dst += 3) dst[0] = dst[1] = dst[2] = src[x];
}

// x * y / 255, rounded.
int MulDiv255(int x, int y) {
  const int t = x * y + 128;
  return ((t >> 8) + t) >> 8;
}

// Adobe stores CMYK inverted: 255 is no ink.
void CmykToRgb(const uint8_t* src, uint8_t* dst, int width) {
  for (int x = 0; x < width; ++x, src += 4, dst += 3) {
    for (int c = 0; c < 3; ++c) {
      dst[c] = static_cast<uint8_t>(src[3] - MulDiv255(255 - src[c], src[3]));
    }
  }
}

// Fills self.image, or sets self.status, or leaves by longjmp. Holds no object with a destructor
// across a call into libjpeg.
void Decode(Decoder& self) {
  jpeg_decompress_struct& jpeg = self.jpeg;
  jpeg_read_header(&jpeg, TRUE);
  if (jpeg.num_components == 1) {
    jpeg.out_color_space = JCS_GRAYSCALE;
  } else if (jpeg.num_components == 4) {
    jpeg.out_color_space = JCS_CMYK;
  } else {
    jpeg.out_color_space = JCS_RGB;
  }
  {
    Result<Image> image = NewImage(jpeg.image_width, jpeg.image_height, self.max_pixels);
    if (!image.ok()) {
      self.status = image.status();
      return;
    }
    self.image = *std::move(image);
    self.row.resize(static_cast<size_t>(jpeg.image_width) * 4);
  }
  jpeg_start_decompress(&jpeg);
  while (jpeg.output_scanline < jpeg.output_height) {
    const int y = static_cast<int>(jpeg.output_scanline);
    uint8_t* rgb = self.image.row(y);
    uint8_t* target = jpeg.out_color_space == JCS_RGB ? rgb : self.row.data();
    jpeg_read_scanlines(&jpeg, &target, 1);
    if (jpeg.out_color_space == JCS_GRAYSCALE) ExpandGrey(target, rgb, self.image.width);
    if (jpeg.out_color_space == JCS_CMYK) CmykToRgb(target, rgb, self.image.width);
  }
}

}  // namespace

Result<Image> DecodeJpeg(std::span<const std::byte> file, int64_t max_pixels) {
  Decoder self;
  self.max_pixels = max_pixels;
  self.jpeg.err = jpeg_std_error(&self.errors);
  self.errors.error_exit = OnError;
  self.errors.emit_message = OnMessage;
  self.progress.progress_monitor = OnProgress;
  self.jpeg.client_data = &self;
  if (setjmp(self.on_error) != 0) {  // NOLINT(cert-err52-cpp): libjpeg has no other way
    return Corruption("JPEG: " + std::string(self.message.data()));
  }
  jpeg_create_decompress(&self.jpeg);
  self.jpeg.progress = &self.progress;
  jpeg_mem_src(&self.jpeg, reinterpret_cast<const unsigned char*>(file.data()),
               static_cast<unsigned long>(file.size()));
  Decode(self);
  if (!self.status.ok()) return self.status.WithContext("JPEG");
  return std::move(self.image);
}

}  // namespace skiff::imaging
