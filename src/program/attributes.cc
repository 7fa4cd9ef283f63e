#include "program/attributes.h"

#include <cmath>
#include <optional>

namespace skiff::program {
namespace {

std::string_view TypeName(AttrType type) {
  switch (type) {
    case AttrType::kInt: return "INT";
    case AttrType::kFloat: return "FLOAT";
    case AttrType::kString: return "STRING";
    case AttrType::kInts: return "INTS";
    case AttrType::kFloats: return "FLOATS";
    case AttrType::kStrings: return "STRINGS";
    case AttrType::kBoolean: return "BOOLEAN";
    case AttrType::kBooleans: return "BOOLEANS";
    case AttrType::kBlock: return "BLOCK";
    case AttrType::kLong: return "LONG";
    case AttrType::kBlocks: return "BLOCKS";
    case AttrType::kLongs: return "LONGS";
    case AttrType::kFloat64s: return "FLOAT64S";
    case AttrType::kVar: return "VAR";
    case AttrType::kVars: return "VARS";
    case AttrType::kFloat64: return "FLOAT64";
    case AttrType::kScalar: return "SCALAR";
    case AttrType::kScalars: return "SCALARS";
  }
  return "an unknown type";
}

// A type without a value reads as protobuf's default of its field, 0 or "" or an empty list.
template <typename T>
T ValueOr(const AttrValue& value, T fallback = T()) {
  const T* held = std::get_if<T>(&value);
  return held ? *held : std::move(fallback);
}

template <typename To, typename From>
std::vector<To> ConvertList(const AttrValue& value) {
  const auto* held = std::get_if<std::vector<From>>(&value);
  if (!held) return {};
  return std::vector<To>(held->begin(), held->end());
}

std::optional<double> ToDouble(const Scalar& scalar) {
  switch (scalar.kind) {
    case Scalar::Kind::kBoolean: return scalar.b ? 1.0 : 0.0;
    case Scalar::Kind::kLong: return static_cast<double>(scalar.i);
    case Scalar::Kind::kFloat64: return scalar.r;
    case Scalar::Kind::kComplex128: return std::nullopt;
  }
  return std::nullopt;
}

std::optional<int64_t> ToInt(const Scalar& scalar) {
  if (scalar.kind == Scalar::Kind::kBoolean) return scalar.b ? 1 : 0;
  if (scalar.kind == Scalar::Kind::kLong) return scalar.i;
  if (scalar.kind != Scalar::Kind::kFloat64) return std::nullopt;
  constexpr double kLimit = 9.2e18;  // inside int64 on both sides
  if (!(std::fabs(scalar.r) < kLimit) || scalar.r != std::trunc(scalar.r)) return std::nullopt;
  return static_cast<int64_t>(scalar.r);
}

std::optional<int64_t> ToInt(const Attribute& attribute) {
  switch (attribute.type) {
    case AttrType::kInt:
    case AttrType::kBlock: return ValueOr<int32_t>(attribute.value);
    case AttrType::kLong: return ValueOr<int64_t>(attribute.value);
    case AttrType::kBoolean: return ValueOr<bool>(attribute.value) ? 1 : 0;
    case AttrType::kScalar: return ToInt(ValueOr<Scalar>(attribute.value));
    default: return std::nullopt;
  }
}

std::optional<float> ToFloat(const Attribute& attribute) {
  switch (attribute.type) {
    case AttrType::kFloat: return ValueOr<float>(attribute.value);
    case AttrType::kFloat64: return static_cast<float>(ValueOr<double>(attribute.value));
    case AttrType::kScalar: {
      const std::optional<double> d = ToDouble(ValueOr<Scalar>(attribute.value));
      return d ? std::optional<float>(static_cast<float>(*d)) : std::nullopt;
    }
    default: return std::nullopt;
  }
}

std::optional<std::vector<int64_t>> ToInts(const Attribute& attribute) {
  switch (attribute.type) {
    case AttrType::kInts: return ConvertList<int64_t, int32_t>(attribute.value);
    case AttrType::kLongs: return ConvertList<int64_t, int64_t>(attribute.value);
    case AttrType::kBooleans: return ConvertList<int64_t, bool>(attribute.value);
    case AttrType::kScalars: {
      std::vector<int64_t> list;
      for (const Scalar& scalar : ValueOr<std::vector<Scalar>>(attribute.value)) {
        const std::optional<int64_t> i = ToInt(scalar);
        if (!i) return std::nullopt;
        list.push_back(*i);
      }
      return list;
    }
    default: return std::nullopt;
  }
}

std::optional<std::vector<float>> ToFloats(const Attribute& attribute) {
  switch (attribute.type) {
    case AttrType::kFloats: return ConvertList<float, float>(attribute.value);
    case AttrType::kFloat64s: return ConvertList<float, double>(attribute.value);
    case AttrType::kScalars: {
      std::vector<float> list;
      for (const Scalar& scalar : ValueOr<std::vector<Scalar>>(attribute.value)) {
        const std::optional<double> d = ToDouble(scalar);
        if (!d) return std::nullopt;
        list.push_back(static_cast<float>(*d));
      }
      return list;
    }
    default: return std::nullopt;
  }
}

}  // namespace

const Attribute* AttributeReader::Find(std::string_view name) const {
  return FindAttribute(attributes_, name);
}

void AttributeReader::Fail(std::string_view name, std::string_view wanted, const Attribute& got) {
  if (!status_.ok()) return;
  status_ = InvalidArgument("attribute " + std::string(name) + ": expected " + std::string(wanted) +
                            ", file has " + std::string(TypeName(got.type)));
}

bool AttributeReader::Has(std::string_view name) const { return Find(name) != nullptr; }

int64_t AttributeReader::Int(std::string_view name, int64_t fallback) {
  const Attribute* attribute = Find(name);
  if (!attribute) return fallback;
  if (const auto value = ToInt(*attribute)) return *value;
  Fail(name, "an integer", *attribute);
  return fallback;
}

bool AttributeReader::Bool(std::string_view name, bool fallback) {
  const Attribute* attribute = Find(name);
  if (!attribute) return fallback;
  if (const auto value = ToInt(*attribute)) return *value != 0;
  Fail(name, "a boolean", *attribute);
  return fallback;
}

float AttributeReader::Float(std::string_view name, float fallback) {
  const Attribute* attribute = Find(name);
  if (!attribute) return fallback;
  if (const auto value = ToFloat(*attribute)) return *value;
  Fail(name, "a float", *attribute);
  return fallback;
}

std::string AttributeReader::String(std::string_view name, std::string_view fallback) {
  const Attribute* attribute = Find(name);
  if (!attribute) return std::string(fallback);
  if (attribute->type == AttrType::kString) return ValueOr<std::string>(attribute->value);
  Fail(name, "a string", *attribute);
  return std::string(fallback);
}

std::vector<int64_t> AttributeReader::Ints(std::string_view name, std::vector<int64_t> fallback) {
  const Attribute* attribute = Find(name);
  if (!attribute) return fallback;
  if (auto value = ToInts(*attribute)) return *std::move(value);
  Fail(name, "a list of integers", *attribute);
  return fallback;
}

std::vector<float> AttributeReader::Floats(std::string_view name, std::vector<float> fallback) {
  const Attribute* attribute = Find(name);
  if (!attribute) return fallback;
  if (auto value = ToFloats(*attribute)) return *std::move(value);
  Fail(name, "a list of floats", *attribute);
  return fallback;
}

}  // namespace skiff::program
