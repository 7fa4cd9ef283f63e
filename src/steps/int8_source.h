// ConvSource: brings the input of an INT8 convolution into the form that its kernel reads: codes in
// NHWC, widened to s16 where the kernel wants that, with the padding written out where the kernel
// reads across it. Codes that are already in that form are read where they lie.
//
// Immutable after it was made; what it writes goes to the workspace of the run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/isa.h"
#include "base/thread_pool.h"
#include "kernels/convert/convert.h"
#include "steps/int8_grid.h"

namespace skiff::steps {

// Extents and, where the padding is to be written out, its width; zero elsewhere.
struct SourceImage {
  int64_t images = 0, h = 0, w = 0, channels = 0;
  int64_t top = 0, bottom = 0, left = 0, right = 0;

  [[nodiscard]] bool is_padded() const { return (top | bottom | left | right) != 0; }
  [[nodiscard]] int64_t padded_h() const { return top + h + bottom; }
  [[nodiscard]] int64_t padded_w() const { return left + w + right; }
  [[nodiscard]] int64_t elements() const { return images * padded_h() * padded_w() * channels; }
};

class ConvSource {
 public:
  ConvSource(const CodeGrid& grid, bool is_float, bool is_nchw, bool widen, Isa isa);

  [[nodiscard]] size_t WorkspaceBytes(const SourceImage& image) const;
  [[nodiscard]] const void* Prepare(const SourceImage& image, const void* input,
                                    std::byte* workspace, ThreadPool* pool) const;

 private:
  [[nodiscard]] bool Copies(const SourceImage& image) const {
    return is_float_ || image.is_padded();
  }
  void CopyRow(const SourceImage& image, const void* input, int64_t row, uint8_t* dst) const;
  [[nodiscard]] size_t CodeBytes(const SourceImage& image) const;

  bool is_unsigned_;
  bool is_float_;
  bool is_nchw_;
  bool widen_;
  kernels::QuantizeParams params_;
  kernels::QuantizeTranspose quantize_;
  kernels::WidenFn widen_fn_;
};

}  // namespace skiff::steps
