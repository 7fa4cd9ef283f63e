// Operators that make constant arrays.
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "ops/op_support.h"
#include "steps/data_step.h"

namespace skiff::ops {
std::span<const OpDef> fill_ops();
namespace {

using graph::Graph;
using graph::Node;
using steps::ShapeContext;

// One element of any type.
struct Element {
  std::array<std::byte, 8> bytes{};
  std::optional<int64_t> integer;  // its value, for types that shapes are made of
};

// `text` ("inf", "-1", "1e3") or, when it is empty, `value`.
Result<Element> MakeElement(DType type, double value, const std::string& text) {
  int64_t integer = 0;
  if (!text.empty()) {
    char* end = nullptr;
    value = std::strtod(text.c_str(), &end);
    if (end != text.c_str() + text.size()) return InvalidArgument("str_value is \"" + text + "\"");
    integer = std::strtoll(text.c_str(), &end, 10);  // exact where double is not
    if (*end != '\0') integer = std::abs(value) < 9.2e18 ? static_cast<int64_t>(value) : 0;
  } else if (std::abs(value) < 9.2e18) {
    integer = static_cast<int64_t>(value);
  }
  Element element;
  const auto store = [&](auto v) { std::memcpy(element.bytes.data(), &v, sizeof(v)); };
  switch (type) {
    case DType::kBool: store(value != 0); break;
    case DType::kUInt8: store(static_cast<uint8_t>(integer)); break;
    case DType::kInt8: store(static_cast<int8_t>(integer)); break;
    case DType::kInt16: store(static_cast<int16_t>(integer)); break;
    case DType::kInt32: store(static_cast<int32_t>(integer)); break;
    case DType::kInt64: store(integer); break;
    case DType::kFloat32: store(static_cast<float>(value)); break;
    case DType::kFloat64: store(value); break;
    default: return Unsupported("an array of type " + std::string(Name(type)));
  }
  if (type == DType::kInt32) integer = static_cast<int32_t>(integer);
  if (type == DType::kInt32 || type == DType::kInt64) element.integer = integer;
  return element;
}

// Where the extents come from.
struct FillShape {
  IntArgument argument;
  bool like_input = false;  // input 0's extents
  int64_t copy_from = -1;   // this extent of input 0 ...
  int64_t copy_to = -1;     // ... replaces that one
};

class FillStep final : public steps::DataStep {
 public:
  FillStep(DType type, Element element, FillShape shape)
      : DataStep(type, "fill"), element_(element), shape_(std::move(shape)) {}

  Status Reshape(ShapeContext& shapes) const override {
    Dims out;
    if (shape_.like_input) {
      out = shapes.in(0);
    } else {
      SKIFF_ASSIGN_OR_RETURN(const std::vector<int64_t> extents, shape_.argument.Read(shapes));
      SKIFF_ASSIGN_OR_RETURN(out, ToDims(extents));
    }
    if (shape_.copy_to >= 0) {
      if (shape_.copy_from >= shapes.in(0).rank() || shape_.copy_to >= out.rank()) {
        return InvalidArgument("input_dim_idx " + std::to_string(shape_.copy_from) + " of shape " +
                               shapes.in(0).ToString() + ", output_dim_idx " +
                               std::to_string(shape_.copy_to) + " of shape " + out.ToString());
      }
      out[static_cast<int>(shape_.copy_to)] = shapes.in(0)[static_cast<int>(shape_.copy_from)];
    }
    SKIFF_RETURN_IF_ERROR(CheckExtents(out));
    shapes.set_out(0, out);
    if (element_.integer && out.rank() <= 1 && out.Numel() <= steps::IntValues::kMax) {
      steps::IntValues ints{.count = static_cast<int>(out.Numel())};
      ints.v.fill(*element_.integer);
      shapes.set_out_ints(0, ints);
    }
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    auto* dst = static_cast<std::byte*>(run.out[0].data);
    const size_t size = element_size();
    const auto n = static_cast<size_t>(run.out[0].dims.Numel());
    for (size_t i = 0; i < n; ++i) std::memcpy(dst + i * size, element_.bytes.data(), size);
    return OkStatus();
  }

 private:
  Element element_;
  FillShape shape_;
};

// A list of values that the operator's attributes hold.
class ValuesStep final : public steps::DataStep {
 public:
  ValuesStep(DType type, Dims dims, std::vector<std::byte> bytes, steps::IntValues ints,
             bool has_ints)
      : DataStep(type, "values"),
        dims_(dims),
        bytes_(std::move(bytes)),
        ints_(ints),
        has_ints_(has_ints) {}

  Status Reshape(ShapeContext& shapes) const override {
    shapes.set_out(0, dims_);
    if (has_ints_) shapes.set_out_ints(0, ints_);
    return OkStatus();
  }
  Status Run(const steps::RunContext& run) const noexcept override {
    if (!bytes_.empty()) std::memcpy(run.out[0].data, bytes_.data(), bytes_.size());
    return OkStatus();
  }

 private:
  Dims dims_;
  std::vector<std::byte> bytes_;
  steps::IntValues ints_;
  bool has_ints_;
};

// The result's type, which attribute dtype must agree with; -1 leaves it open.
Status CheckDType(const Node& node, int64_t dtype) {
  const DType out = node.Out("Out")->dtype;
  if (dtype == -1 || dtype == static_cast<int64_t>(out)) return OkStatus();
  return InvalidArgument("dtype is " + std::to_string(dtype) + " but the result is " +
                         std::string(Name(out)));
}

Result<Element> ParseElement(const Node& node) {
  auto attributes = node.Attributes();
  const int64_t dtype = attributes.Int("dtype", -1);
  double value = attributes.Float("value", 0.0F);
  std::string text = attributes.String("str_value", "");
  SKIFF_RETURN_IF_ERROR(attributes.status());
  SKIFF_RETURN_IF_ERROR(CheckDType(node, dtype));
  if (const graph::Value* tensor = node.In("ValueTensor")) {
    const auto scalar = ConstantScalar(tensor);
    if (!scalar) return Unsupported("slot ValueTensor is not a constant scalar");
    value = *scalar;
    text.clear();
  }
  return MakeElement(node.Out("Out")->dtype, value, text);
}

Result<Lowered> LowerFill(const Node& node) {
  auto attributes = node.Attributes();
  std::vector<int64_t> extents = attributes.Ints("shape", {});
  FillShape shape;
  Lowered lowered{nullptr, {}, {node.Out("Out")}};
  if (node.type == "fill_constant_batch_size_like") {
    shape.copy_from = attributes.Int("input_dim_idx", 0);
    shape.copy_to = attributes.Int("output_dim_idx", 0);
    if (shape.copy_from < 0 || shape.copy_to < 0) {
      return InvalidArgument("input_dim_idx or output_dim_idx is negative");
    }
    lowered.inputs.push_back(node.In("Input"));
  }
  if (node.type == "fill_any_like" || node.type == "fill_zeros_like") {
    shape.like_input = true;
    lowered.inputs.push_back(node.In("X"));
  }
  SKIFF_RETURN_IF_ERROR(attributes.status());
  SKIFF_ASSIGN_OR_RETURN(const Element element, ParseElement(node));
  shape.argument = IntArgument::Bind(node, node.type == "fill_constant" ? "ShapeTensor" : "",
                                     node.type == "fill_constant" ? "ShapeTensorList" : "",
                                     std::move(extents), &lowered);
  lowered.step = std::make_unique<FillStep>(node.Out("Out")->dtype, element, std::move(shape));
  return lowered;
}

Status CheckFill(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {}, {"Out"}));
  if (node.type == "fill_constant_batch_size_like") {
    SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"Input"}, {}));
  } else if (node.type != "fill_constant") {
    SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {}));
  }
  return LowerFill(node).status();
}

// The numbers of whichever list attribute holds some.
Result<std::vector<double>> AssignedValues(const Node& node) {
  for (const char* name :
       {"fp32_values", "int32_values", "int64_values", "bool_values", "fp64_values", "values"}) {
    const program::Attribute* attribute = program::FindAttribute(node.attributes, name);
    if (attribute == nullptr) continue;
    std::vector<double> list;
    std::visit(
        [&](const auto& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, std::vector<program::Scalar>>) {
            for (const program::Scalar& s : value) {
              list.push_back(s.kind == program::Scalar::Kind::kLong      ? static_cast<double>(s.i)
                             : s.kind == program::Scalar::Kind::kBoolean ? s.b
                                                                         : s.r);
            }
          } else if constexpr (std::is_same_v<T, std::vector<int32_t>> ||
                               std::is_same_v<T, std::vector<int64_t>> ||
                               std::is_same_v<T, std::vector<float>> ||
                               std::is_same_v<T, std::vector<double>> ||
                               std::is_same_v<T, std::vector<bool>>) {
            list.assign(value.begin(), value.end());
          }
        },
        attribute->value);
    if (!list.empty()) return list;
  }
  return std::vector<double>();
}

Result<Lowered> LowerAssignValue(const Node& node) {
  auto attributes = node.Attributes();
  const std::vector<int64_t> extents = attributes.Ints("shape", {});
  const int64_t dtype = attributes.Int("dtype", -1);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  SKIFF_RETURN_IF_ERROR(CheckDType(node, dtype));
  SKIFF_ASSIGN_OR_RETURN(const Dims dims, ToDims(extents));
  SKIFF_ASSIGN_OR_RETURN(const std::vector<double> values, AssignedValues(node));
  if (dims.Numel() != static_cast<int64_t>(values.size())) {
    return InvalidArgument(std::to_string(values.size()) + " values for an array of shape " +
                           dims.ToString());
  }
  const DType type = node.Out("Out")->dtype;
  std::vector<std::byte> bytes;
  steps::IntValues ints;
  bool has_ints = dims.rank() <= 1 && values.size() <= steps::IntValues::kMax;
  for (double value : values) {
    SKIFF_ASSIGN_OR_RETURN(const Element element, MakeElement(type, value, ""));
    bytes.insert(bytes.end(), element.bytes.begin(), element.bytes.begin() + SizeOf(type));
    has_ints = has_ints && element.integer;
    if (has_ints) ints.v[static_cast<size_t>(ints.count++)] = *element.integer;
  }
  return Lowered{std::make_unique<ValuesStep>(type, dims, std::move(bytes), ints, has_ints),
                 {},
                 {node.Out("Out")}};
}

Status CheckAssignValue(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {}, {"Out"}));
  return LowerAssignValue(node).status();
}

}  // namespace

std::span<const OpDef> fill_ops() {
  constexpr auto kFill = [](const LowerContext& c) { return LowerFill(c.node); };
  constexpr auto kAssign = [](const LowerContext& c) { return LowerAssignValue(c.node); };
  static constexpr OpDef kOps[] = {
      {"fill_constant", CheckFill, kFill, LayoutRule::kPlain},
      {"fill_constant_batch_size_like", CheckFill, kFill, LayoutRule::kPlain},
      {"fill_any_like", CheckFill, kFill, LayoutRule::kPlain},
      {"fill_zeros_like", CheckFill, kFill, LayoutRule::kPlain},
      {"assign_value", CheckAssignValue, kAssign, LayoutRule::kPlain},
  };
  return kOps;
}

}  // namespace skiff::ops
