// Paddle's public element types and the engine's.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "paddle_infer/paddle_tensor.h"

namespace skiff::api {

inline DType FromPaddle(paddle_infer::DataType type) {
  switch (type) {
    case paddle_infer::FLOAT32: return DType::kFloat32;
    case paddle_infer::INT64: return DType::kInt64;
    case paddle_infer::INT32: return DType::kInt32;
    case paddle_infer::UINT8: return DType::kUInt8;
    case paddle_infer::INT8: return DType::kInt8;
    case paddle_infer::FLOAT16: return DType::kFloat16;
    case paddle_infer::BOOL: return DType::kBool;
    case paddle_infer::FLOAT64: return DType::kFloat64;
    case paddle_infer::BFLOAT16: return DType::kBFloat16;
  }
  return DType::kUndefined;
}

// Types that Paddle's API has no name for come out as FLOAT32, as there.
inline paddle_infer::DataType ToPaddle(DType type) {
  switch (type) {
    case DType::kInt64: return paddle_infer::INT64;
    case DType::kInt32: return paddle_infer::INT32;
    case DType::kUInt8: return paddle_infer::UINT8;
    case DType::kInt8: return paddle_infer::INT8;
    case DType::kFloat16: return paddle_infer::FLOAT16;
    case DType::kBool: return paddle_infer::BOOL;
    case DType::kFloat64: return paddle_infer::FLOAT64;
    case DType::kBFloat16: return paddle_infer::BFLOAT16;
    case DType::kFloat32:
    case DType::kInt16:
    case DType::kUndefined: break;
  }
  return paddle_infer::FLOAT32;
}

template <typename T>
struct TypeOf;
#define SKIFF_API_TYPES(X)        \
  X(float, FLOAT32)               \
  X(int64_t, INT64)               \
  X(int32_t, INT32)               \
  X(uint8_t, UINT8)               \
  X(int8_t, INT8)                 \
  X(phi::dtype::float16, FLOAT16) \
  X(bool, BOOL)                   \
  X(double, FLOAT64)              \
  X(phi::dtype::bfloat16, BFLOAT16)

#define SKIFF_TYPE_OF(T, name)                                          \
  template <>                                                           \
  struct TypeOf<T> {                                                    \
    static constexpr paddle_infer::DataType value = paddle_infer::name; \
  };
SKIFF_API_TYPES(SKIFF_TYPE_OF)
#undef SKIFF_TYPE_OF

}  // namespace skiff::api
