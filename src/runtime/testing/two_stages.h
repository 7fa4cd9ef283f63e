// For tests of this room: a small residual network.
#pragma once

#include "runtime/testing/net.h"

namespace skiff::runtime::testing {

// The end of a stage of ResNet50 and the beginning of the next: a block with a residual, whose sum
// is read by two 1x1 convolutions with stride 2 alone.
class TwoStages : public Net {
 public:
  explicit TwoStages(int64_t extent) : Net(extent) {
    const int64_t half = (extent + 1) / 2;
    Conv("x", "stem", 3, 16, 3, 1, extent, true);
    Conv("stem", "squeezed", 16, 8, 1, 1, extent, true);
    Conv("squeezed", "convolved", 8, 8, 3, 1, extent, true);
    Conv("convolved", "expanded", 8, 16, 1, 1, extent, false);
    Sum("expanded", "stem", "block", 16, extent);
    Conv("block", "left", 16, 8, 1, 2, half, true);
    Conv("left", "left_expanded", 8, 24, 3, 1, half, false);
    Conv("block", "right", 16, 24, 1, 2, half, false);
    Sum("left_expanded", "right", "out", 24, half);
    Fetch("out");
  }

  [[nodiscard]] plan::CompileOptions Options(Precision precision, bool hoist) const {
    plan::CompileOptions options;
    options.precision = precision;
    options.hoist_strides = hoist;
    if (precision == Precision::kInt8) {
      for (const char* name : {"x", "stem", "squeezed", "convolved", "block", "left"}) {
        options.thresholds.emplace_back(name, 1.5);
      }
    }
    return options;
  }
};

}  // namespace skiff::runtime::testing
