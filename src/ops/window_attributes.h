// The attributes that convolution, transposed convolution and pooling spell alike
// (docs/formats.md). Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "program/attributes.h"
#include "steps/window.h"

namespace skiff::ops {

struct Padding {
  steps::PaddingRule rule = steps::PaddingRule::kExplicit;
  std::array<int64_t, 4> pads{};  // top, bottom, left, right
};

// padding_algorithm and paddings (2 symmetric or 4 values, none of them negative).
Result<Padding> ReadPadding(program::AttributeReader& attributes);

// A list of two numbers, height and width, each at least `minimum`.
Result<std::array<int64_t, 2>> ReadPair(program::AttributeReader& attributes, std::string_view name,
                                        int64_t fallback, int64_t minimum);

// data_format is NCHW, or AnyLayout, which means the same.
Status RequireChannelsFirst(program::AttributeReader& attributes);

}  // namespace skiff::ops
