// A ProgramDesc is one protobuf message without header or length; program_fields.h has its fields.
#include "formats/program_reader.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <utility>

#include "formats/attribute_reader.h"
#include "formats/limits.h"
#include "formats/program_fields.h"
#include "formats/wire_reader.h"

namespace skiff::formats {
namespace {

using program::Argument;
using program::Attribute;
using program::AttrType;
using program::Block;
using program::OpDesc;
using program::Program;
using program::VarDesc;
using Field = WireReader::Field;

DType ToDType(int32_t number) {
  const auto type = static_cast<DType>(number);
  return SizeOf(type) > 0 ? type : DType::kUndefined;
}

class ProgramDecoder {
 public:
  Status Decode(std::string_view message, Program* program);
  // Puts the field at fault before the message of a failure.
  [[nodiscard]] Status Locate(const Status& status) const {
    const std::string where = wire_.Where();
    return where.empty() ? status : status.WithContext(where);
  }

 private:
  Status DecodeVersion(std::string_view message, Program* program);
  Status DecodeBlock(std::string_view message, Block* block);
  Status DecodeVar(std::string_view message, VarDesc* var);
  Status DecodeVarType(VarDesc* var);
  Status DecodeDenseTensor(std::string_view message, VarDesc* var);
  Status DecodeTensorDesc(std::string_view message, VarDesc* var);
  Status DecodeOp(std::string_view message, OpDesc* op);
  Status DecodeArgument(std::string_view message, Argument* argument);
  Status CheckBlock(const Block& block, int32_t position, int32_t blocks);
  Status CheckSubBlocks(const OpDesc& op, int32_t block, int32_t blocks);

  // A nested message, decoded into a new element of `list` by `decode`.
  template <typename T>
  Status Append(Field& field, const char* name, std::vector<T>* list,
                Status (ProgramDecoder::*decode)(std::string_view, T*)) {
    std::string_view message;
    SKIFF_RETURN_IF_ERROR(wire_.View(field, name, &message));
    SKIFF_RETURN_IF_ERROR(wire_.Charge(sizeof(T)));
    T& element = list->emplace_back();
    return wire_.Within(name, static_cast<int64_t>(list->size()) - 1,
                        [&] { return (this->*decode)(message, &element); });
  }
  Status DecodeAttr(std::string_view message, Attribute* attribute) {
    return DecodeAttribute(wire_, message, attribute);
  }
  Status Flag(Field& field, const char* name, std::optional<bool>* flag) {
    return wire_.Number(field, name, &flag->emplace());
  }

  WireReader wire_{kMaxDecodedBytes};
};

Status ProgramDecoder::Decode(std::string_view message, Program* program) {
  SKIFF_RETURN_IF_ERROR(
      wire_.ForEachField(message, &program->unknown, [&](Field& field, bool* known) -> Status {
        std::string_view nested;
        switch (field.tag()) {
          case field::program_desc::kBlocks:
            if (program->blocks.size() == kMaxBlocks) {
              return ResourceExhausted("has more than " + std::to_string(kMaxBlocks) + " blocks");
            }
            return Append(field, "blocks", &program->blocks, &ProgramDecoder::DecodeBlock);
          case field::program_desc::kVersion:
            SKIFF_RETURN_IF_ERROR(wire_.View(field, "version", &nested));
            return wire_.Within("version", -1, [&] { return DecodeVersion(nested, program); });
          default: *known = false; return OkStatus();
        }
      }));
  if (program->blocks.empty()) return Corruption("has no blocks: not a Paddle program");
  const auto blocks = static_cast<int32_t>(program->blocks.size());
  for (int32_t b = 0; b < blocks; ++b) {
    const Block& block = program->blocks[static_cast<size_t>(b)];
    SKIFF_RETURN_IF_ERROR(wire_.Within("blocks", b, [&] { return CheckBlock(block, b, blocks); }));
  }
  return OkStatus();
}

Status ProgramDecoder::DecodeVersion(std::string_view message, Program* program) {
  if (!program->version) program->version = 0;
  std::string unknown;
  SKIFF_RETURN_IF_ERROR(
      wire_.ForEachField(message, &unknown, [&](Field& field, bool* known) -> Status {
        if (field.tag() == field::version::kVersion) {
          return wire_.Number(field, "version", &*program->version);
        }
        *known = false;
        return OkStatus();
      }));
  // Protobuf merges a message that occurs twice, so a second one can carry the unknown fields.
  if (!unknown.empty()) {
    protozero::pbf_writer(program->unknown).add_message(field::program_desc::kVersion, unknown);
  }
  return OkStatus();
}

Status ProgramDecoder::DecodeBlock(std::string_view message, Block* block) {
  std::optional<int32_t> idx;
  std::optional<int32_t> parent_idx;
  SKIFF_RETURN_IF_ERROR(
      wire_.ForEachField(message, &block->unknown, [&](Field& field, bool* known) -> Status {
        switch (field.tag()) {
          case field::block::kIdx: return wire_.Number(field, "idx", &idx.emplace());
          case field::block::kParentIdx:
            return wire_.Number(field, "parent_idx", &parent_idx.emplace());
          case field::block::kVars:
            return Append(field, "vars", &block->vars, &ProgramDecoder::DecodeVar);
          case field::block::kOps:
            return Append(field, "ops", &block->ops, &ProgramDecoder::DecodeOp);
          case field::block::kForwardBlockIdx:
            return wire_.Number(field, "forward_block_idx", &block->forward_block_idx.emplace());
          default: *known = false; return OkStatus();
        }
      }));
  if (!idx) return wire_.Fail("idx", "is missing");
  if (!parent_idx) return wire_.Fail("parent_idx", "is missing");
  block->idx = *idx;
  block->parent_idx = *parent_idx;
  return OkStatus();
}

Status ProgramDecoder::DecodeVar(std::string_view message, VarDesc* var) {
  bool named = false;
  SKIFF_RETURN_IF_ERROR(
      wire_.ForEachField(message, &var->unknown, [&](Field& field, bool* known) -> Status {
        std::string_view type;
        switch (field.tag()) {
          case field::var::kName:
            named = true;
            return wire_.String(field, "name", kMaxNameBytes, &var->name);
          case field::var::kType:
            // Appending is protobuf's merge of a message that occurs twice.
            SKIFF_RETURN_IF_ERROR(wire_.View(field, "type", &type));
            SKIFF_RETURN_IF_ERROR(wire_.Charge(type.size()));
            var->raw_type.append(type);
            return OkStatus();
          case field::var::kPersistable: return Flag(field, "persistable", &var->persistable);
          case field::var::kNeedCheckFeed:
            return Flag(field, "need_check_feed", &var->need_check_feed);
          case field::var::kIsParameter: return Flag(field, "is_parameter", &var->is_parameter);
          case field::var::kStopGradient: return Flag(field, "stop_gradient", &var->stop_gradient);
          default: *known = false; return OkStatus();
        }
      }));
  if (!named) return wire_.Fail("name", "is missing");
  return wire_.Within("type", -1, [&] { return DecodeVarType(var); });
}

Status ProgramDecoder::DecodeVarType(VarDesc* var) {
  std::optional<int32_t> kind;
  std::string kept_in_raw_type;
  SKIFF_RETURN_IF_ERROR(wire_.ForEachField(
      var->raw_type, &kept_in_raw_type, [&](Field& field, bool* known) -> Status {
        std::string_view nested;
        switch (field.tag()) {
          case field::var_type::kType: return wire_.Number(field, "type", &kind.emplace());
          case field::var_type::kSelectedRows:
            SKIFF_RETURN_IF_ERROR(wire_.View(field, "selected_rows", &nested));
            return DecodeTensorDesc(nested, var);
          case field::var_type::kDenseTensor:
          case field::var_type::kTensorArray:
            SKIFF_RETURN_IF_ERROR(wire_.View(field, "tensor", &nested));
            return DecodeDenseTensor(nested, var);
          default: *known = false; return OkStatus();
        }
      }));
  if (!kind) return wire_.Fail("type", "is missing");
  var->kind = static_cast<program::VarKind>(*kind);
  return OkStatus();
}

Status ProgramDecoder::DecodeDenseTensor(std::string_view message, VarDesc* var) {
  std::string kept_in_raw_type;
  return wire_.ForEachField(message, &kept_in_raw_type, [&](Field& field, bool* known) -> Status {
    std::string_view nested;
    switch (field.tag()) {
      case field::dense_tensor::kTensor:
        SKIFF_RETURN_IF_ERROR(wire_.View(field, "tensor", &nested));
        return DecodeTensorDesc(nested, var);
      case field::dense_tensor::kLodLevel:
        return wire_.Number(field, "lod_level", &var->lod_level.emplace());
      default: *known = false; return OkStatus();
    }
  });
}

Status ProgramDecoder::DecodeTensorDesc(std::string_view message, VarDesc* var) {
  std::string kept_in_raw_type;
  int32_t data_type = 0;
  SKIFF_RETURN_IF_ERROR(
      wire_.ForEachField(message, &kept_in_raw_type, [&](Field& field, bool* known) -> Status {
        switch (field.tag()) {
          case field::tensor_desc::kDataType:
            SKIFF_RETURN_IF_ERROR(wire_.Number(field, "data_type", &data_type));
            var->dtype = ToDType(data_type);
            return OkStatus();
          case field::tensor_desc::kDims: return wire_.Numbers(field, "dims", &var->dims);
          default: *known = false; return OkStatus();
        }
      }));
  if (var->dims.size() > kMaxRank) {
    return wire_.Fail("dims", "has rank " + std::to_string(var->dims.size()) + ", the limit is " +
                                  std::to_string(kMaxRank));
  }
  // Shape inference over unknown extents left other negative numbers in old files.
  for (int64_t& d : var->dims) d = std::max<int64_t>(d, -1);
  return OkStatus();
}

Status ProgramDecoder::DecodeOp(std::string_view message, OpDesc* op) {
  bool typed = false;
  SKIFF_RETURN_IF_ERROR(
      wire_.ForEachField(message, &op->unknown, [&](Field& field, bool* known) -> Status {
        switch (field.tag()) {
          case field::op::kInputs:
            return Append(field, "inputs", &op->inputs, &ProgramDecoder::DecodeArgument);
          case field::op::kOutputs:
            return Append(field, "outputs", &op->outputs, &ProgramDecoder::DecodeArgument);
          case field::op::kType:
            typed = true;
            return wire_.String(field, "type", kMaxNameBytes, &op->type);
          case field::op::kAttrs:
            return Append(field, "attrs", &op->attributes, &ProgramDecoder::DecodeAttr);
          case field::op::kIsTarget: return Flag(field, "is_target", &op->is_target);
          default: *known = false; return OkStatus();
        }
      }));
  if (!typed) return wire_.Fail("type", "is missing");
  return OkStatus();
}

Status ProgramDecoder::DecodeArgument(std::string_view message, Argument* argument) {
  bool named = false;
  SKIFF_RETURN_IF_ERROR(
      wire_.ForEachField(message, &argument->unknown, [&](Field& field, bool* known) -> Status {
        switch (field.tag()) {
          case field::argument::kParameter:
            named = true;
            return wire_.String(field, "parameter", kMaxNameBytes, &argument->slot);
          case field::argument::kArguments:
            SKIFF_RETURN_IF_ERROR(wire_.Charge(sizeof(std::string)));
            return wire_.String(field, "arguments", kMaxNameBytes, &argument->names.emplace_back());
          default: *known = false; return OkStatus();
        }
      }));
  if (!named) return wire_.Fail("parameter", "is missing");
  return OkStatus();
}

// Blocks form a tree with parents before children, so that walking up or down it ends.
Status ProgramDecoder::CheckBlock(const Block& block, int32_t position, int32_t blocks) {
  if (block.idx != position) {
    return wire_.Fail("idx", "is " + std::to_string(block.idx) + ", expected the position");
  }
  if (block.parent_idx < -1 || block.parent_idx >= position) {
    return wire_.Fail("parent_idx",
                      "is " + std::to_string(block.parent_idx) + ", expected an earlier block");
  }
  for (size_t i = 0; i < block.ops.size(); ++i) {
    const OpDesc& op = block.ops[i];
    SKIFF_RETURN_IF_ERROR(wire_.Within("ops", static_cast<int64_t>(i),
                                       [&] { return CheckSubBlocks(op, position, blocks); }));
  }
  return OkStatus();
}

Status ProgramDecoder::CheckSubBlocks(const OpDesc& op, int32_t block, int32_t blocks) {
  for (const Attribute& attribute : op.attributes) {
    std::vector<int32_t> ids;
    if (attribute.type == AttrType::kBlock) {
      const auto* id = std::get_if<int32_t>(&attribute.value);
      ids.push_back(id ? *id : 0);
    } else if (attribute.type == AttrType::kBlocks) {
      if (const auto* list = std::get_if<std::vector<int32_t>>(&attribute.value)) ids = *list;
    }
    for (const int32_t id : ids) {
      if (id > block && id < blocks) continue;
      return wire_.Fail("attrs", "attribute " + attribute.name + " of " + op.type +
                                     " refers to block " + std::to_string(id) + " of " +
                                     std::to_string(blocks));
    }
  }
  return OkStatus();
}

}  // namespace

Result<Program> ReadProgram(std::span<const std::byte> bytes, std::string_view source) {
  if (bytes.size() > kMaxProgramBytes) {
    return ResourceExhausted(std::string(source) + ": has " + std::to_string(bytes.size()) +
                             " bytes, the limit is " + std::to_string(kMaxProgramBytes));
  }
  Program program;
  program.source = std::string(source);
  ProgramDecoder decoder;
  Status status;
  try {
    status = decoder.Decode({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, &program);
  } catch (const std::exception& e) {
    status = Corruption(std::string("not a protobuf message: ") + e.what());
  }
  if (!status.ok()) return decoder.Locate(status).WithContext(source);
  return program;
}

}  // namespace skiff::formats
