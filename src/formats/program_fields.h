// Field numbers of ProgramDesc and its messages (docs/formats.md), for reader and writer.
#pragma once

#include <cstdint>

#include "program/program.h"

namespace skiff::formats::field {

namespace program_desc {
inline constexpr uint32_t kBlocks = 1, kVersion = 4;
}
namespace version {
inline constexpr uint32_t kVersion = 1;
}
namespace block {
inline constexpr uint32_t kIdx = 1, kParentIdx = 2, kVars = 3, kOps = 4, kForwardBlockIdx = 5;
}
namespace var {
inline constexpr uint32_t kName = 1, kType = 2, kPersistable = 3, kNeedCheckFeed = 4,
                          kIsParameter = 5, kStopGradient = 6;
}
namespace var_type {
inline constexpr uint32_t kType = 1, kSelectedRows = 2, kDenseTensor = 3, kTensorArray = 4;
}
namespace dense_tensor {  // tensor_array has the same two
inline constexpr uint32_t kTensor = 1, kLodLevel = 2;
}
namespace tensor_desc {
inline constexpr uint32_t kDataType = 1, kDims = 2;
}
namespace op {
inline constexpr uint32_t kInputs = 1, kOutputs = 2, kType = 3, kAttrs = 4, kIsTarget = 5;
}
namespace argument {
inline constexpr uint32_t kParameter = 1, kArguments = 2;
}
namespace attr {
inline constexpr uint32_t kName = 1, kType = 2;
}
namespace scalar {
inline constexpr uint32_t kType = 1, kB = 2, kI = 3, kR = 4, kC = 5;
}
namespace complex {
inline constexpr uint32_t kR = 1, kI = 2;
}

// The field of OpDesc.Attr that holds the value of an attribute of `type`.
constexpr uint32_t ValueOf(program::AttrType type) {
  using program::AttrType;
  switch (type) {
    case AttrType::kInt: return 3;
    case AttrType::kFloat: return 4;
    case AttrType::kString: return 5;
    case AttrType::kInts: return 6;
    case AttrType::kFloats: return 7;
    case AttrType::kStrings: return 8;
    case AttrType::kBoolean: return 10;
    case AttrType::kBooleans: return 11;
    case AttrType::kBlock: return 12;
    case AttrType::kLong: return 13;
    case AttrType::kBlocks: return 14;
    case AttrType::kLongs: return 15;
    case AttrType::kFloat64s: return 16;
    case AttrType::kVar: return 17;
    case AttrType::kVars: return 18;
    case AttrType::kFloat64: return 19;
    case AttrType::kScalar: return 20;
    case AttrType::kScalars: return 21;
  }
  return 0;
}

}  // namespace skiff::formats::field
