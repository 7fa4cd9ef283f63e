// Attributes that Skiff's quantiser adds to Paddle's operators; Paddle ignores them.
#pragma once

namespace skiff::program {

// Of quantize_linear and its dequantize_linear: the tensor is never negative and has codes 0..255,
// the threshold standing for 255 (docs/formats.md).
inline constexpr const char* kFullRange = "skiff_full_range";

}  // namespace skiff::program
