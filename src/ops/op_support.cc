#include "ops/op_support.h"

#include <algorithm>

namespace skiff::ops {
namespace {

template <typename T>
std::vector<int64_t> Widen(std::span<const T> values) {
  return {values.begin(), values.end()};
}

Status UnknownValues(int input) {
  return Unsupported("a shape depends on the values of input " + std::to_string(input) +
                     " of the step, which are not known before the run");
}

std::vector<const graph::Value*> ValuesOf(const graph::Node& node, std::string_view slot) {
  std::vector<const graph::Value*> values;
  for (const graph::InSlot& s : node.inputs) {
    if (s.name != slot) continue;
    for (const graph::Edge& edge : s.edges) values.push_back(edge.value);
  }
  for (const graph::OutSlot& s : node.outputs) {
    if (s.name == slot) values.insert(values.end(), s.values.begin(), s.values.end());
  }
  return values;
}

Status WrongType(std::string_view slot, const graph::Value* value) {
  return Unsupported("slot " + std::string(slot) + " (" + value->name + ") has type " +
                     std::string(Name(value->dtype)));
}

}  // namespace

Status RequireType(const graph::Node& node, std::string_view slot,
                   std::initializer_list<DType> types) {
  for (const graph::Value* value : ValuesOf(node, slot)) {
    if (std::find(types.begin(), types.end(), value->dtype) == types.end()) {
      return WrongType(slot, value);
    }
  }
  return OkStatus();
}

Status RequireSameType(const graph::Node& node, std::string_view in, std::string_view out) {
  const graph::Value* first = node.In(in);
  if (first == nullptr) return OkStatus();
  SKIFF_RETURN_IF_ERROR(RequireType(node, in, {first->dtype}));
  return RequireType(node, out, {first->dtype});
}

Status RequireKnownType(const graph::Node& node, std::string_view slot) {
  for (const graph::Value* value : ValuesOf(node, slot)) {
    if (SizeOf(value->dtype) == 0) return WrongType(slot, value);
  }
  return OkStatus();
}

Result<int> ResolveAxis(int64_t axis, const Dims& dims) {
  const int64_t resolved = axis < 0 ? axis + dims.rank() : axis;
  if (resolved < 0 || resolved >= dims.rank()) {
    return InvalidArgument("axis " + std::to_string(axis) + " of an array of shape " +
                           dims.ToString());
  }
  return static_cast<int>(resolved);
}

Result<Dims> ToDims(std::span<const int64_t> extents) {
  if (!Dims::Fits(extents.size())) {
    return Unsupported("an array with " + std::to_string(extents.size()) + " axes");
  }
  return Dims(extents);
}

Status CheckExtents(const Dims& dims) {
  if (dims.Numel() < 0) return InvalidArgument("an array of shape " + dims.ToString());
  return OkStatus();
}

std::optional<std::vector<int64_t>> ConstantInts(const graph::Value* value) {
  if (value == nullptr || value->constant == nullptr) return std::nullopt;
  const program::Tensor& tensor = *value->constant;
  if (tensor.dtype == DType::kInt32) return Widen(tensor.As<int32_t>());
  if (tensor.dtype == DType::kInt64) return Widen(tensor.As<int64_t>());
  return std::nullopt;
}

std::optional<double> ConstantScalar(const graph::Value* value) {
  if (const auto ints = ConstantInts(value)) {
    if (ints->size() != 1) return std::nullopt;
    return static_cast<double>((*ints)[0]);
  }
  if (value == nullptr || value->constant == nullptr) return std::nullopt;
  const program::Tensor& tensor = *value->constant;
  if (tensor.dtype == DType::kFloat32 && tensor.As<float>().size() == 1) {
    return tensor.As<float>()[0];
  }
  if (tensor.dtype == DType::kFloat64 && tensor.As<double>().size() == 1) {
    return tensor.As<double>()[0];
  }
  return std::nullopt;
}

IntArgument IntArgument::Bind(const graph::Node& node, std::string_view tensor_slot,
                              std::string_view list_slot, std::vector<int64_t> attribute,
                              Lowered* lowered) {
  IntArgument argument(std::move(attribute));
  const auto bind = [&](const graph::Value* value) {
    lowered->inputs.push_back(value);
    return static_cast<int>(lowered->inputs.size()) - 1;
  };
  if (const graph::Value* tensor = node.In(tensor_slot)) {
    argument.from_tensor_ = true;
    if (auto values = ConstantInts(tensor)) {
      argument.values_ = *std::move(values);
    } else {
      argument.tensor_input_ = bind(tensor);
    }
    return argument;
  }
  const std::vector<const graph::Value*> list = ValuesOf(node, list_slot);
  if (list.empty()) return argument;
  argument.from_tensor_ = true;
  argument.values_.assign(list.size(), 0);
  argument.inputs_.assign(list.size(), -1);
  for (size_t i = 0; i < list.size(); ++i) {
    if (const auto values = ConstantInts(list[i]); values && values->size() == 1) {
      argument.values_[i] = (*values)[0];
    } else {
      argument.inputs_[i] = bind(list[i]);
    }
  }
  return argument;
}

Result<std::vector<int64_t>> IntArgument::Read(const steps::ShapeContext& shapes) const {
  if (tensor_input_ >= 0) {
    const steps::IntValues* ints = shapes.ints(tensor_input_);
    if (ints == nullptr) return UnknownValues(tensor_input_);
    return std::vector<int64_t>(ints->v.begin(), ints->v.begin() + ints->count);
  }
  std::vector<int64_t> values = values_;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i] < 0) continue;
    const steps::IntValues* ints = shapes.ints(inputs_[i]);
    if (ints == nullptr || ints->count != 1) return UnknownValues(inputs_[i]);
    values[i] = ints->v[0];
  }
  return values;
}

}  // namespace skiff::ops
