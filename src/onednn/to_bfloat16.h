// float32 -> bfloat16, rounded half to even, and perhaps NCHW -> NHWC on the way.
#pragma once

#include <memory>

#include "base/dims.h"
#include "base/status.h"
#include "onednn/primitive.h"

namespace skiff::onednn {

// `from_nhwc` and `to_nhwc`: how values of `dims`, which are N, C, H, W then, lie before and after.
// Where they are equal elements keep their order, and any rank will do.
Result<std::unique_ptr<Primitive>> MakeToBfloat16(const Dims& dims, bool from_nhwc, bool to_nhwc,
                                                  int threads);

}  // namespace skiff::onednn
