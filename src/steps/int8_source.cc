#include "steps/int8_source.h"

#include <algorithm>
#include <cstring>

#include "steps/step.h"

namespace skiff::steps {

ConvSource::ConvSource(const CodeGrid& grid, bool is_float, bool is_nchw, bool widen, Isa isa)
    : is_unsigned_(grid.is_unsigned),
      is_float_(is_float),
      is_nchw_(is_nchw),
      widen_(widen),
      params_(QuantizeParamsOf(grid)),
      quantize_{kernels::FindQuantize(isa)->run, kernels::FindTranspose(1, isa)->run},
      widen_fn_(kernels::FindWiden(isa)->run) {}

size_t ConvSource::CodeBytes(const SourceImage& image) const {
  if (!Copies(image)) return 0;
  const size_t bytes = static_cast<size_t>(image.elements()) + kBufferSlack;
  return (bytes + 63) / 64 * 64;
}

size_t ConvSource::WorkspaceBytes(const SourceImage& image) const {
  const size_t wide = widen_ ? 2 * static_cast<size_t>(image.elements()) + kBufferSlack : 0;
  return CodeBytes(image) + wide;
}

// The codes of a row and its padding. `row` counts the padded rows of all images.
void ConvSource::CopyRow(const SourceImage& image, const void* input, int64_t row,
                         uint8_t* dst) const {
  const int64_t c = image.channels;
  const int64_t n = row / image.padded_h();
  const int64_t y = row % image.padded_h() - image.top;
  if (y < 0 || y >= image.h) {
    std::memset(dst, 0, static_cast<size_t>(image.padded_w() * c));
    return;
  }
  std::memset(dst, 0, static_cast<size_t>(image.left * c));
  dst += image.left * c;
  const int64_t before = n * c * image.h * image.w;
  const int64_t row_at = before + y * image.w * c;  // where channels lie last
  if (!is_float_) {
    std::memcpy(dst, static_cast<const uint8_t*>(input) + row_at, static_cast<size_t>(image.w * c));
  } else if (is_nchw_) {
    kernels::QuantizeToNhwc(quantize_, params_, static_cast<const float*>(input) + before, c,
                            image.h * image.w, y * image.w, (y + 1) * image.w, dst);
  } else {
    quantize_.quantize(params_, static_cast<const float*>(input) + row_at, image.w * c, dst);
  }
  std::memset(dst + image.w * c, 0, static_cast<size_t>(image.right * c));
}

const void* ConvSource::Prepare(const SourceImage& image, const void* input, std::byte* workspace,
                                ThreadPool* pool) const {
  const auto* codes = static_cast<const uint8_t*>(input);
  const int64_t row_size = image.padded_w() * image.channels;
  auto* quantized = reinterpret_cast<uint8_t*>(workspace);
  auto* wide = reinterpret_cast<int16_t*>(workspace + CodeBytes(image));
  const bool copies = Copies(image);
  if (!copies && !widen_) return codes;
  if (copies) codes = quantized;
  // A few rows at a time, so that small pictures do not pay for many hand-overs.
  const int64_t rows = image.images * image.padded_h();
  const int64_t chunk = std::max<int64_t>(1, 16384 / std::max<int64_t>(row_size, 1));
  pool->ParallelFor((rows + chunk - 1) / chunk, [&](int64_t i) {
    const int64_t end = std::min(rows, (i + 1) * chunk);
    for (int64_t row = i * chunk; copies && row < end; ++row) {
      CopyRow(image, input, row, quantized + row * row_size);
    }
    // In a loop of its own: codes that were only just stored would be waited for.
    const int64_t first = i * chunk * row_size;
    if (widen_) widen_fn_(is_unsigned_, codes + first, end * row_size - first, wide + first);
  });
  return widen_ ? static_cast<const void*>(wide) : quantized;
}

}  // namespace skiff::steps
