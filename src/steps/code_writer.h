// CodeWriter: what a float kernel computes is rounded onto a grid while it still lies in L1, so
// that a step can write codes where the next one reads codes.
//
// A value type, immutable after it was made; thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/isa.h"
#include "kernels/convert/convert.h"
#include "steps/int8_grid.h"

namespace skiff::steps {

class CodeWriter {
 public:
  static constexpr int64_t kTile = 1024;
  using Tile = std::array<float, kTile + 16>;  // kernels read whole vectors

  // REQUIRES: CheckGrid(grid).
  CodeWriter(const CodeGrid& grid, Isa isa)
      : params_(QuantizeParamsOf(grid)), quantize_(kernels::FindQuantize(isa)->run) {}

  void Round(const Tile& tile, int64_t n, uint8_t* dst) const {
    quantize_(params_, tile.data(), n, dst);
  }

  // The codes of elements [begin, end), written to dst + begin. compute(at, n, floats) computes n
  // of them, from element `at` on.
  template <typename Fn>
  void Write(int64_t begin, int64_t end, uint8_t* dst, const Fn& compute) const {
    alignas(64) Tile tile;
    for (int64_t at = begin; at < end; at += kTile) {
      const int64_t n = std::min(kTile, end - at);
      compute(at, n, tile.data());
      Round(tile, n, dst + at);
    }
  }

 private:
  kernels::QuantizeParams params_;
  kernels::QuantizeFn quantize_;
};

}  // namespace skiff::steps
