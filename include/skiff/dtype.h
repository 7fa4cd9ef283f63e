// Element types and their sizes. The numbers are Paddle's VarType.Type (docs/formats.md), so a
// value read from a file converts by a checked cast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace skiff {

enum class DType : int32_t {
  kBool = 0,
  kInt16 = 1,
  kInt32 = 2,
  kInt64 = 3,
  kFloat16 = 4,
  kFloat32 = 5,
  kFloat64 = 6,
  kUInt8 = 20,
  kInt8 = 21,
  kBFloat16 = 22,
  kUndefined = -1,
};

// Bytes of one element; 0 for a type that Skiff does not know.
constexpr size_t SizeOf(DType type) {
  switch (type) {
    case DType::kBool:
    case DType::kUInt8:
    case DType::kInt8: return 1;
    case DType::kInt16:
    case DType::kFloat16:
    case DType::kBFloat16: return 2;
    case DType::kInt32:
    case DType::kFloat32: return 4;
    case DType::kInt64:
    case DType::kFloat64: return 8;
    case DType::kUndefined: return 0;
  }
  return 0;
}

constexpr std::string_view Name(DType type) {
  switch (type) {
    case DType::kBool: return "bool";
    case DType::kInt16: return "int16";
    case DType::kInt32: return "int32";
    case DType::kInt64: return "int64";
    case DType::kFloat16: return "float16";
    case DType::kFloat32: return "float32";
    case DType::kFloat64: return "float64";
    case DType::kUInt8: return "uint8";
    case DType::kInt8: return "int8";
    case DType::kBFloat16: return "bfloat16";
    case DType::kUndefined: return "undefined";
  }
  return "undefined";
}

constexpr bool IsInt8(DType type) { return type == DType::kInt8 || type == DType::kUInt8; }

}  // namespace skiff
