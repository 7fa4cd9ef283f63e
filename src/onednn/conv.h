// Convolution and its transpose in float: NHWC activations, constant weights, bias, residual and
// activation in one primitive.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "onednn/primitive.h"
#include "onednn/weights.h"

namespace skiff::onednn {

struct ConvSpec {
  // Weights as given: [O, I/groups, kh, kw]; transposed: [I, O/groups, kh, kw].
  bool transposed = false;
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t groups = 1;
  std::array<int64_t, 2> kernel{1, 1};  // height, width; so are the next two
  std::array<int64_t, 2> stride{1, 1};
  std::array<int64_t, 2> dilation{1, 1};
  const float* bias = nullptr;  // [O], or null; must outlive the primitive
  Epilogue epilogue;
  Storages storages;  // transposed: float32
};

struct ConvExtents {
  int64_t batch = 0;
  std::array<int64_t, 2> in{};          // height, width
  std::array<int64_t, 2> out{};         // the same
  std::array<int64_t, 2> pad_before{};  // top, left; cropped where transposed
};

// oneDNN's kernels worth a try for these extents, the one that MakeConv takes by itself first. Sums
// of one may differ from another's by their order. Transposed convolutions have the first alone.
Result<std::vector<std::string>> ConvKernels(const ConvSpec& spec, const ConvExtents& extents,
                                             int threads);

// Unsupported with oneDNN's reason when it has nothing for these extents. `kernel`: the one to take
// if oneDNN has it here; empty: what the cost model prefers.
Result<std::unique_ptr<Primitive>> MakeConv(const ConvSpec& spec, const ConvExtents& extents,
                                            const Weights& weights, int threads,
                                            std::string_view kernel = {});

}  // namespace skiff::onednn
