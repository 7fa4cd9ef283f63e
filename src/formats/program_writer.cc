#include "formats/program_writer.h"

#include <exception>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <string_view>
#include <vector>

#include "formats/file.h"
#include "formats/program_fields.h"

namespace skiff::formats {
namespace {

using program::Argument;
using program::Attribute;
using program::AttrType;
using program::Block;
using program::OpDesc;
using program::Program;
using program::Scalar;
using program::VarDesc;
using Writer = protozero::pbf_writer;

void Put(Writer& writer, uint32_t tag, int32_t value) { writer.add_int32(tag, value); }
void Put(Writer& writer, uint32_t tag, int64_t value) { writer.add_int64(tag, value); }
void Put(Writer& writer, uint32_t tag, float value) { writer.add_float(tag, value); }
void Put(Writer& writer, uint32_t tag, double value) { writer.add_double(tag, value); }
void Put(Writer& writer, uint32_t tag, bool value) { writer.add_bool(tag, value); }
void Put(Writer& writer, uint32_t tag, const std::string& value) { writer.add_string(tag, value); }

void Put(Writer& writer, uint32_t tag, const Scalar& scalar) {
  std::string message;
  Writer nested(message);
  nested.add_enum(field::scalar::kType, static_cast<int32_t>(scalar.kind));
  switch (scalar.kind) {
    case Scalar::Kind::kBoolean: nested.add_bool(field::scalar::kB, scalar.b); break;
    case Scalar::Kind::kLong: nested.add_int64(field::scalar::kI, scalar.i); break;
    case Scalar::Kind::kFloat64: nested.add_double(field::scalar::kR, scalar.r); break;
    case Scalar::Kind::kComplex128: {
      std::string complex;
      Writer pair(complex);
      pair.add_double(field::complex::kR, scalar.r);
      pair.add_double(field::complex::kI, scalar.imaginary);
      nested.add_message(field::scalar::kC, complex);
      break;
    }
  }
  writer.add_message(tag, message);
}

template <typename T>
void Put(Writer& writer, uint32_t tag, const std::vector<T>& list) {
  for (size_t i = 0; i < list.size(); ++i) Put(writer, tag, T(list[i]));
}

template <typename T>
void PutOptional(Writer& writer, uint32_t tag, const std::optional<T>& value) {
  if (value) Put(writer, tag, *value);
}

// Writes the value if it has the C++ type of the attribute's file type; false if it has another.
template <typename T>
bool PutAs(Writer& writer, const Attribute& attribute) {
  const T* value = std::get_if<T>(&attribute.value);
  if (value == nullptr) return std::holds_alternative<std::monostate>(attribute.value);
  Put(writer, field::ValueOf(attribute.type), *value);
  return true;
}

bool PutValue(Writer& writer, const Attribute& attribute) {
  switch (attribute.type) {
    case AttrType::kInt:
    case AttrType::kBlock: return PutAs<int32_t>(writer, attribute);
    case AttrType::kLong: return PutAs<int64_t>(writer, attribute);
    case AttrType::kFloat: return PutAs<float>(writer, attribute);
    case AttrType::kFloat64: return PutAs<double>(writer, attribute);
    case AttrType::kBoolean: return PutAs<bool>(writer, attribute);
    case AttrType::kString:
    case AttrType::kVar: return PutAs<std::string>(writer, attribute);
    case AttrType::kScalar: return PutAs<Scalar>(writer, attribute);
    case AttrType::kInts:
    case AttrType::kBlocks: return PutAs<std::vector<int32_t>>(writer, attribute);
    case AttrType::kLongs: return PutAs<std::vector<int64_t>>(writer, attribute);
    case AttrType::kFloats: return PutAs<std::vector<float>>(writer, attribute);
    case AttrType::kFloat64s: return PutAs<std::vector<double>>(writer, attribute);
    case AttrType::kBooleans: return PutAs<std::vector<bool>>(writer, attribute);
    case AttrType::kStrings:
    case AttrType::kVars: return PutAs<std::vector<std::string>>(writer, attribute);
    case AttrType::kScalars: return PutAs<std::vector<Scalar>>(writer, attribute);
  }
  return false;
}

Status Encode(const Attribute& attribute, std::string* message) {
  Writer writer(*message);
  writer.add_string(field::attr::kName, attribute.name);
  writer.add_enum(field::attr::kType, static_cast<int32_t>(attribute.type));
  if (!PutValue(writer, attribute)) {
    return InvalidArgument("attribute " + attribute.name +
                           ": the value is not of the attribute's type");
  }
  *message += attribute.unknown;
  return OkStatus();
}

std::string Encode(const Argument& argument) {
  std::string message;
  Writer writer(message);
  writer.add_string(field::argument::kParameter, argument.slot);
  Put(writer, field::argument::kArguments, argument.names);
  message += argument.unknown;
  return message;
}

Status Encode(const OpDesc& op, std::string* message) {
  Writer writer(*message);
  for (const Argument& a : op.inputs) writer.add_message(field::op::kInputs, Encode(a));
  for (const Argument& a : op.outputs) writer.add_message(field::op::kOutputs, Encode(a));
  writer.add_string(field::op::kType, op.type);
  for (const Attribute& attribute : op.attributes) {
    std::string nested;
    SKIFF_RETURN_IF_ERROR(Encode(attribute, &nested).WithContext("operator " + op.type));
    writer.add_message(field::op::kAttrs, nested);
  }
  PutOptional(writer, field::op::kIsTarget, op.is_target);
  *message += op.unknown;
  return OkStatus();
}

std::string EncodeTensorDesc(const VarDesc& var) {
  std::string message;
  Writer writer(message);
  writer.add_enum(field::tensor_desc::kDataType, static_cast<int32_t>(*var.dtype));
  Put(writer, field::tensor_desc::kDims, var.dims);
  return message;
}

std::string EncodeVarType(const VarDesc& var) {
  std::string message;
  Writer writer(message);
  writer.add_enum(field::var_type::kType, static_cast<int32_t>(var.kind));
  if (!var.dtype) return message;
  if (var.kind == program::VarKind::kSelectedRows) {
    writer.add_message(field::var_type::kSelectedRows, EncodeTensorDesc(var));
    return message;
  }
  std::string dense;
  Writer dense_writer(dense);
  dense_writer.add_message(field::dense_tensor::kTensor, EncodeTensorDesc(var));
  PutOptional(dense_writer, field::dense_tensor::kLodLevel, var.lod_level);
  const bool is_array = var.kind == program::VarKind::kTensorArray;
  writer.add_message(is_array ? field::var_type::kTensorArray : field::var_type::kDenseTensor,
                     dense);
  return message;
}

std::string Encode(const VarDesc& var) {
  std::string message;
  Writer writer(message);
  writer.add_string(field::var::kName, var.name);
  writer.add_message(field::var::kType, var.raw_type.empty() ? EncodeVarType(var) : var.raw_type);
  PutOptional(writer, field::var::kPersistable, var.persistable);
  PutOptional(writer, field::var::kNeedCheckFeed, var.need_check_feed);
  PutOptional(writer, field::var::kIsParameter, var.is_parameter);
  PutOptional(writer, field::var::kStopGradient, var.stop_gradient);
  message += var.unknown;
  return message;
}

Status Encode(const Block& block, std::string* message) {
  Writer writer(*message);
  writer.add_int32(field::block::kIdx, block.idx);
  writer.add_int32(field::block::kParentIdx, block.parent_idx);
  for (const VarDesc& var : block.vars) writer.add_message(field::block::kVars, Encode(var));
  for (const OpDesc& op : block.ops) {
    std::string nested;
    SKIFF_RETURN_IF_ERROR(Encode(op, &nested));
    writer.add_message(field::block::kOps, nested);
  }
  PutOptional(writer, field::block::kForwardBlockIdx, block.forward_block_idx);
  *message += block.unknown;
  return OkStatus();
}

// Where in raw fields the first one numbered `tag` or more stands. protozero throws on raw bytes
// that are no fields; SerializeProgram catches.
size_t SplitBefore(std::string_view fields, uint32_t tag) {
  protozero::pbf_reader reader(fields.data(), fields.size());
  size_t position = 0;
  while (reader.next() && reader.tag() < tag) {
    reader.skip();
    position = fields.size() - reader.length();
  }
  return position;
}

Status Encode(const Program& program, std::string* message) {
  Writer writer(*message);
  for (const Block& block : program.blocks) {
    std::string nested;
    SKIFF_RETURN_IF_ERROR(Encode(block, &nested));
    writer.add_message(field::program_desc::kBlocks, nested);
  }
  // Old files have an unknown field 3, new ones an unknown field 5, with the version between them.
  const size_t split = SplitBefore(program.unknown, field::program_desc::kVersion);
  message->append(program.unknown, 0, split);
  if (program.version) {
    std::string version;
    Writer(version).add_int64(field::version::kVersion, *program.version);
    writer.add_message(field::program_desc::kVersion, version);
  }
  message->append(program.unknown, split);
  return OkStatus();
}

}  // namespace

Result<std::string> SerializeProgram(const Program& program) {
  std::string message;
  try {
    SKIFF_RETURN_IF_ERROR(Encode(program, &message).WithContext(program.source));
  } catch (const std::exception& e) {
    return Internal(program.source + ": unknown fields are not protobuf: " + e.what());
  }
  return message;
}

Status WriteProgram(const Program& program, const std::string& path) {
  SKIFF_ASSIGN_OR_RETURN(const std::string bytes, SerializeProgram(program));
  return WriteFile(path, bytes);
}

}  // namespace skiff::formats
