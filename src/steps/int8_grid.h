// CodeGrid: the grid of one quantised tensor as steps see it, and the numbers that follow from it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "base/rounding.h"
#include "base/status.h"
#include "kernels/convert/convert_symbols.h"
#include "kernels/epilogue/epilogue.h"

namespace skiff::steps {

// real = code * step. Codes are lowest()..max_code.
struct CodeGrid {
  double step = 0;
  bool is_unsigned = false;
  int max_code = 127;
  RoundMode round = RoundMode::kHalfEven;

  // As Paddle's own quantisers clip (docs/formats.md): those that round half to even keep -128.
  [[nodiscard]] int lowest() const {
    if (is_unsigned) return 0;
    return round == RoundMode::kHalfEven ? -max_code - 1 : -max_code;
  }
  [[nodiscard]] DType dtype() const { return is_unsigned ? DType::kUInt8 : DType::kInt8; }
  // "u7" (0..127), "u8" (0..255), "s8": as in kernel names.
  [[nodiscard]] const char* Name() const {
    return !is_unsigned ? "s8" : max_code > 127 ? "u8" : "u7";
  }
};

// OK, or what is wrong with it: the step must be positive and finite, max_code 1..127 or, unsigned,
// 1..255.
[[nodiscard]] Status CheckGrid(const CodeGrid& grid, const char* what);

// How floats are rounded onto the grid: the multiplier is max_code * (1 / threshold), both
// operations in float as in Paddle's quantisers (docs/formats.md).
kernels::QuantizeParams QuantizeParamsOf(const CodeGrid& grid);

// The step that codes are multiplied by.
inline float DequantizeMultiplier(const CodeGrid& grid) { return static_cast<float>(grid.step); }

// How the s32 sums of a convolution or fc become its output.
struct EpilogueSpec {
  int64_t channels = 0;
  int64_t max_sum = INT32_MAX;  // the largest magnitude of a sum
  double input_step = 0;
  std::vector<double> weight_step;  // 1 or `channels`; any sign
  std::vector<float> bias;          // empty or `channels`, real units
  kernels::ResidualType residual = kernels::ResidualType::kNone;
  double residual_step = 1;  // of a residual in codes
  kernels::Activation activation;
  bool output_is_float = false;
  CodeGrid output;  // when the output is codes
};

// An Epilogue and the per-channel arrays it points to. Moving keeps the pointers valid.
struct OwnedEpilogue {
  kernels::Epilogue epilogue;
  std::vector<float> m;
  std::vector<float> b;
};

// Of `depth` products of codes and weights.
int64_t MaxSum(const CodeGrid& input, int64_t depth);

OwnedEpilogue MakeEpilogue(const EpilogueSpec& spec);

}  // namespace skiff::steps
