// Program: a Paddle model exactly as its files have it (docs/formats.md).
//
// Lossless: operators, variables, attributes, their order and their names are kept, and protobuf
// fields that Skiff does not know are carried as raw bytes, so that a Program that was read and is
// written again is the same model. What quantise, convert and train edit, and what execution
// derives a graph::Graph from.
//
// Ownership: tensors' bytes are shared and immutable (Blob); copying a Program copies no weights.
// Thread-safety: a const Program may be read from any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/dtype.h"

namespace skiff::program {

// The numbers are those of the file (docs/formats.md, AttrType).
enum class AttrType : int32_t {
  kInt = 0,
  kFloat = 1,
  kString = 2,
  kInts = 3,
  kFloats = 4,
  kStrings = 5,
  kBoolean = 6,
  kBooleans = 7,
  kBlock = 8,
  kLong = 9,
  kBlocks = 10,
  kLongs = 11,
  kFloat64s = 12,
  kVar = 13,
  kVars = 14,
  kFloat64 = 15,
  kScalar = 16,
  kScalars = 17,
};

struct Scalar {
  enum class Kind : int32_t { kBoolean = 1, kLong = 2, kFloat64 = 3, kComplex128 = 4 };
  Kind kind = Kind::kFloat64;
  bool b = false;
  int64_t i = 0;
  double r = 0;
  double imaginary = 0;
  friend bool operator==(const Scalar&, const Scalar&) = default;
};

// Several file types share one C++ type (kInt and kBlock are int32; kString and kVar are string);
// Attribute::type tells them apart. vector<bool> holds kBooleans.
using AttrValue = std::variant<std::monostate, int32_t, int64_t, float, double, bool, std::string,
                               Scalar, std::vector<int32_t>, std::vector<int64_t>,
                               std::vector<float>, std::vector<double>, std::vector<bool>,
                               std::vector<std::string>, std::vector<Scalar>>;

struct Attribute {
  std::string name;
  AttrType type = AttrType::kInt;
  AttrValue value;      // monostate: the file has a name and a type only
  std::string unknown;  // protobuf fields not listed in the spec, raw
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

// A slot of an operator ("Input", "Filter") and the variables bound to it, possibly none.
struct Argument {
  std::string slot;
  std::vector<std::string> names;
  std::string unknown;
  friend bool operator==(const Argument&, const Argument&) = default;
};

struct OpDesc {
  std::string type;
  std::vector<Argument> inputs;
  std::vector<Argument> outputs;
  std::vector<Attribute> attributes;  // a name may occur twice; the last one wins (docs/formats.md)
  std::optional<bool> is_target;
  std::string unknown;
  friend bool operator==(const OpDesc&, const OpDesc&) = default;
};

// VarType.Type, the values that Skiff looks at; others are kept as numbers.
enum class VarKind : int32_t {
  kDenseTensor = 7,
  kSelectedRows = 8,
  kFeedMinibatch = 9,
  kFetchList = 10,
  kStepScopes = 11,
  kTensorArray = 13,
  kReader = 15,
  kRaw = 17,
};

struct VarDesc {
  std::string name;
  VarKind kind = VarKind::kDenseTensor;
  // Of the dense tensor (or tensor array); -1 is an unknown extent. Never trusted for a parameter:
  // the tensor record decides (docs/formats.md).
  std::optional<DType> dtype;
  std::vector<int64_t> dims;
  std::optional<int32_t> lod_level;
  std::optional<bool> persistable;
  std::optional<bool> need_check_feed;
  std::optional<bool> is_parameter;
  std::optional<bool> stop_gradient;
  // The whole VarType message as the file has it; written back unless cleared after an edit, in
  // which case it is rebuilt from kind, dtype, dims and lod_level.
  std::string raw_type;
  std::string unknown;  // includes VarDesc.attrs
  friend bool operator==(const VarDesc&, const VarDesc&) = default;
};

struct Block {
  int32_t idx = 0;
  int32_t parent_idx = -1;
  std::vector<VarDesc> vars;
  std::vector<OpDesc> ops;
  std::optional<int32_t> forward_block_idx;
  std::string unknown;
  friend bool operator==(const Block&, const Block&) = default;
};

// Immutable bytes and whoever keeps them alive (a mapped file, a vector, the caller's buffer).
struct Blob {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};

// A parameter: dtype and dims from its own record. dims empty = one element (0-D).
struct Tensor {
  DType dtype = DType::kFloat32;
  std::vector<int64_t> dims;
  std::vector<std::vector<uint64_t>> lod;
  Blob data;
  // REQUIRES: SizeOf(dtype) == sizeof(T).
  template <typename T>
  [[nodiscard]] std::span<const T> As() const {
    return {reinterpret_cast<const T*>(data.bytes.data()), data.bytes.size() / sizeof(T)};
  }
};

// How the parameters lay on disk, so that a writer can do the same.
enum class ParamsLayout { kNone, kCombined, kSeparate };

struct Program {
  std::vector<Block> blocks;
  std::optional<int64_t> version;  // major * 1000000 + minor * 1000 + patch; absent in old files
  std::string unknown;             // includes the operator version map
  std::map<std::string, Tensor> params;
  ParamsLayout params_layout = ParamsLayout::kNone;
  // For messages: the file (or "<memory>") that the program was read from.
  std::string source;
};

// Names of the combined file's records in file order: persistable variables of block 0 that are
// tensors, sorted as byte strings (docs/formats.md).
std::vector<std::string> ParameterNames(const Program& program);

// Attribute lookup; the last occurrence wins, null when absent.
const Attribute* FindAttribute(std::span<const Attribute> attributes, std::string_view name);
const Argument* FindArgument(std::span<const Argument> arguments, std::string_view slot);

}  // namespace skiff::program
