// JPEG and PNG pictures. A small file may claim a picture of the largest size that is allowed; such
// ones are left to the unit tests, which need not be quick.
#include "fuzz.h"
#include "imaging/decode.h"

static constexpr int64_t kMaxPixels = 1 << 18;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skiff;
  const Result<imaging::Image> image =
      imaging::DecodeImage(fuzz::Input(data, size).Bytes(), kMaxPixels);
  if (!image.ok()) return 0;
  fuzz::Require(image->rgb.size() == image->row_bytes() * static_cast<size_t>(image->height),
                "a picture without all of its pixels");
  fuzz::Touch(image->rgb.data(), image->rgb.size());
  return 0;
}
