// Reads JPEG and PNG pictures into RGB, with the pixels that Pillow's Image.open(f).convert("RGB")
// gives: alpha is dropped, 16-bit samples keep their high byte, grey is repeated, CMYK is taken as
// Adobe writes it, EXIF orientation and gamma are left alone. One exception: 16-bit grey keeps its
// high byte too, where Pillow clips to 255. Truncated files are errors.
// Thread-safe; nothing of the libraries (longjmp, exit, messages on stderr) gets out.
#pragma once

#include <span>
#include <string>

#include "base/status.h"
#include "imaging/image.h"

namespace skiff::imaging {

// JPEG or PNG, told apart by their first bytes.
Result<Image> DecodeImage(std::span<const std::byte> file);
Result<Image> DecodeJpeg(std::span<const std::byte> file);
Result<Image> DecodePng(std::span<const std::byte> file);

// Messages name the path.
Result<Image> ReadImage(const std::string& path);

}  // namespace skiff::imaging
