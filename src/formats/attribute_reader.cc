#include "formats/attribute_reader.h"

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "formats/limits.h"
#include "formats/program_fields.h"

namespace skiff::formats {
namespace {

using program::Attribute;
using program::AttrType;
using program::AttrValue;
using program::Scalar;
using Field = WireReader::Field;

// The member of the variant, made if the value holds none yet.
template <typename T>
T* Hold(AttrValue* value) {
  if (!std::holds_alternative<T>(*value)) value->emplace<T>();
  return &std::get<T>(*value);
}

template <typename T>
Status Number(WireReader& wire, Field& field, AttrValue* value) {
  return wire.Number(field, "value", Hold<T>(value));
}

template <typename T>
Status Numbers(WireReader& wire, Field& field, AttrValue* value) {
  SKIFF_RETURN_IF_ERROR(wire.Numbers(field, "value", Hold<std::vector<T>>(value)));
  // A packed list of no elements: the same as no list.
  if (std::get<std::vector<T>>(*value).empty()) value->emplace<std::monostate>();
  return OkStatus();
}

Status String(WireReader& wire, Field& field, AttrValue* value) {
  constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();  // but the file's own size
  return wire.String(field, "value", kNoLimit, Hold<std::string>(value));
}

Status Strings(WireReader& wire, Field& field, AttrValue* value) {
  SKIFF_RETURN_IF_ERROR(wire.Charge(sizeof(std::string)));
  auto* list = Hold<std::vector<std::string>>(value);
  return wire.String(field, "value", std::numeric_limits<size_t>::max(), &list->emplace_back());
}

Status DecodeComplex(WireReader& wire, std::string_view message, Scalar* scalar) {
  std::string ignored;
  return wire.ForEachField(message, &ignored, [&](Field& field, bool* known) -> Status {
    switch (field.tag()) {
      case field::complex::kR: return wire.Number(field, "r", &scalar->r);
      case field::complex::kI: return wire.Number(field, "i", &scalar->imaginary);
      default: *known = false; return OkStatus();
    }
  });
}

// Keeps the field that its kind names and no other: a Scalar has no place for unknown fields.
Status DecodeScalar(WireReader& wire, std::string_view message, Scalar* scalar) {
  std::optional<int32_t> kind;
  Scalar all;
  std::string ignored;
  SKIFF_RETURN_IF_ERROR(
      wire.ForEachField(message, &ignored, [&](Field& field, bool* known) -> Status {
        std::string_view complex;
        switch (field.tag()) {
          case field::scalar::kType: return wire.Number(field, "type", &kind.emplace());
          case field::scalar::kB: return wire.Number(field, "b", &all.b);
          case field::scalar::kI: return wire.Number(field, "i", &all.i);
          case field::scalar::kR: return wire.Number(field, "r", &all.r);
          case field::scalar::kC:
            SKIFF_RETURN_IF_ERROR(wire.View(field, "c", &complex));
            return DecodeComplex(wire, complex, &all);
          default: *known = false; return OkStatus();
        }
      }));
  if (!kind) return wire.Fail("type", "is missing");
  if (*kind < 1 || *kind > 4) {
    return wire.Fail("type", "value " + std::to_string(*kind) + " is not a scalar type");
  }
  scalar->kind = static_cast<Scalar::Kind>(*kind);
  switch (scalar->kind) {
    case Scalar::Kind::kBoolean: scalar->b = all.b; break;
    case Scalar::Kind::kLong: scalar->i = all.i; break;
    case Scalar::Kind::kFloat64: scalar->r = all.r; break;
    case Scalar::Kind::kComplex128:
      scalar->r = all.r;
      scalar->imaginary = all.imaginary;
      break;
  }
  return OkStatus();
}

Status OneScalar(WireReader& wire, Field& field, AttrValue* value) {
  std::string_view message;
  SKIFF_RETURN_IF_ERROR(wire.View(field, "value", &message));
  auto* scalar = Hold<Scalar>(value);
  *scalar = Scalar();
  return wire.Within("value", -1, [&] { return DecodeScalar(wire, message, scalar); });
}

Status Scalars(WireReader& wire, Field& field, AttrValue* value) {
  std::string_view message;
  SKIFF_RETURN_IF_ERROR(wire.View(field, "value", &message));
  SKIFF_RETURN_IF_ERROR(wire.Charge(sizeof(Scalar)));
  auto* list = Hold<std::vector<Scalar>>(value);
  list->emplace_back();
  return wire.Within("value", static_cast<int64_t>(list->size()) - 1,
                     [&] { return DecodeScalar(wire, message, &list->back()); });
}

Status DecodeValue(WireReader& wire, Field& field, AttrType type, AttrValue* value) {
  switch (type) {
    case AttrType::kInt:
    case AttrType::kBlock: return Number<int32_t>(wire, field, value);
    case AttrType::kLong: return Number<int64_t>(wire, field, value);
    case AttrType::kBoolean: return Number<bool>(wire, field, value);
    case AttrType::kFloat: return Number<float>(wire, field, value);
    case AttrType::kFloat64: return Number<double>(wire, field, value);
    case AttrType::kString:
    case AttrType::kVar: return String(wire, field, value);
    case AttrType::kScalar: return OneScalar(wire, field, value);
    case AttrType::kInts:
    case AttrType::kBlocks: return Numbers<int32_t>(wire, field, value);
    case AttrType::kLongs: return Numbers<int64_t>(wire, field, value);
    case AttrType::kBooleans: return Numbers<bool>(wire, field, value);
    case AttrType::kFloats: return Numbers<float>(wire, field, value);
    case AttrType::kFloat64s: return Numbers<double>(wire, field, value);
    case AttrType::kStrings:
    case AttrType::kVars: return Strings(wire, field, value);
    case AttrType::kScalars: return Scalars(wire, field, value);
  }
  return OkStatus();
}

// The type decides which field is the value, and may stand behind it: read first, by itself.
Status FindType(WireReader& wire, std::string_view message, AttrType* type) {
  std::optional<int32_t> number;
  Field field(message.data(), message.size());
  while (field.next()) {
    if (field.tag() != field::attr::kType) {
      field.skip();
      continue;
    }
    SKIFF_RETURN_IF_ERROR(wire.Number(field, "type", &number.emplace()));
  }
  if (!number) return wire.Fail("type", "is missing");
  if (*number < 0 || *number > static_cast<int32_t>(AttrType::kScalars)) {
    return wire.Fail("type", "value " + std::to_string(*number) + " is not an attribute type");
  }
  *type = static_cast<AttrType>(*number);
  return OkStatus();
}

}  // namespace

Status DecodeAttribute(WireReader& wire, std::string_view message, Attribute* attribute) {
  SKIFF_RETURN_IF_ERROR(FindType(wire, message, &attribute->type));
  const uint32_t value_field = field::ValueOf(attribute->type);
  bool named = false;
  SKIFF_RETURN_IF_ERROR(
      wire.ForEachField(message, &attribute->unknown, [&](Field& field, bool* known) -> Status {
        if (field.tag() == field::attr::kName) {
          named = true;
          return wire.String(field, "name", kMaxNameBytes, &attribute->name);
        }
        if (field.tag() == value_field) {
          return DecodeValue(wire, field, attribute->type, &attribute->value);
        }
        if (field.tag() == field::attr::kType) {
          field.skip();
        } else {
          *known = false;
        }
        return OkStatus();
      }));
  if (!named) return wire.Fail("name", "is missing");
  return OkStatus();
}

}  // namespace skiff::formats
