// Reads JPEG and PNG pictures into RGB, with the pixels that Pillow's Image.open(f).convert("RGB")
// gives: alpha is dropped, 16-bit samples keep their high byte, grey is repeated, CMYK is taken as
// Adobe writes it, EXIF orientation and gamma are left alone. One exception: 16-bit grey keeps its
// high byte too, where Pillow clips to 255. Truncated files are errors.
// Thread-safe; nothing of the libraries (longjmp, exit, messages on stderr) gets out.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"
#include "imaging/image.h"

namespace skiff::imaging {

// JPEG or PNG, told apart by their first bytes. A picture of more pixels is refused before memory
// is taken for them.
Result<Image> DecodeImage(std::span<const std::byte> file, int64_t max_pixels = kMaxPixels);
Result<Image> DecodeJpeg(std::span<const std::byte> file, int64_t max_pixels = kMaxPixels);
Result<Image> DecodePng(std::span<const std::byte> file, int64_t max_pixels = kMaxPixels);

// Messages name the path.
Result<Image> ReadImage(const std::string& path);

}  // namespace skiff::imaging
