// What several operator folders need to read their node: types, axes, and integer arguments that a
// model gives as an attribute, as a tensor, or as a list of tensors.
//
// Value types; thread-safe for distinct objects.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/dims.h"
#include "base/status.h"
#include "graph/graph.h"
#include "onednn/primitive.h"
#include "ops/op_def.h"
#include "steps/step.h"

namespace skiff::ops {

// How oneDNN's primitives find a float value in memory.
inline bool IsStoredFloat(const graph::Value& value) {
  return value.dtype == DType::kFloat32 || value.dtype == DType::kBFloat16;
}
inline onednn::Storage StorageOf(const graph::Value& value) {
  return value.dtype == DType::kBFloat16 ? onednn::Storage::kBfloat16 : onednn::Storage::kFloat32;
}

inline bool IsNhwc(const graph::Value* value) { return value->layout == graph::Layout::kNhwc; }

// The values of a slot have one of these types. An absent slot is ok.
Status RequireType(const graph::Node& node, std::string_view slot,
                   std::initializer_list<DType> types);
// Every value of both slots has the type of the first one.
Status RequireSameType(const graph::Node& node, std::string_view in, std::string_view out);
// The slot's values can be moved: their elements have a size.
Status RequireKnownType(const graph::Node& node, std::string_view slot);

// `axis` counted from the front; negative ones count from the end. An error names the extents.
Result<int> ResolveAxis(int64_t axis, const Dims& dims);

// Dims of `extents`, or an error when there are too many.
Result<Dims> ToDims(std::span<const int64_t> extents);

// An error when dims that an operator computed are negative or their product overflows.
Status CheckExtents(const Dims& dims);

// The elements of a constant of type int32 or int64; nothing for any other value.
std::optional<std::vector<int64_t>> ConstantInts(const graph::Value* value);
// The only element of a constant of a numeric type; nothing for any other value.
std::optional<double> ConstantScalar(const graph::Value* value);

// Integers that shape an operator's result. Constants are read when the step is made; other tensors
// are bound as inputs of the step and read from the shape program.
class IntArgument {
 public:
  IntArgument() = default;
  explicit IntArgument(std::vector<int64_t> values) : values_(std::move(values)) {}

  // The tensor in `tensor_slot` if there is one, else the scalars in `list_slot`, else `attribute`.
  // Slots may be empty names. Tensors that are not constant are appended to lowered->inputs.
  static IntArgument Bind(const graph::Node& node, std::string_view tensor_slot,
                          std::string_view list_slot, std::vector<int64_t> attribute,
                          Lowered* lowered);

  // True when a tensor gives the values.
  [[nodiscard]] bool from_tensor() const { return from_tensor_; }
  // An error when a tensor's values are not known before the run.
  [[nodiscard]] Result<std::vector<int64_t>> Read(const steps::ShapeContext& shapes) const;

 private:
  std::vector<int64_t> values_;
  std::vector<int> inputs_;  // by element of a list: the step's input, -1: values_ has it
  int tensor_input_ = -1;
  bool from_tensor_ = false;
};

}  // namespace skiff::ops
