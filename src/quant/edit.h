// Editor: rewrites the operators of a program's first block, one after the other, with operators
// put in front of and behind them, new variables and new parameters.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "program/program.h"

namespace skiff::quant {

using Slots = std::vector<std::pair<std::string, std::vector<std::string>>>;

// An operator made from slots; attributes are added with SetAttribute.
program::OpDesc MakeOp(std::string type, const Slots& inputs, const Slots& outputs);
void SetAttribute(program::OpDesc* op, std::string_view name, program::AttrType type,
                  program::AttrValue value);
// quantize_linear or dequantize_linear of 8 bits; axis -1: one scale for all. `round_type` is the
// file's (docs/formats.md).
struct LinearOp {
  std::string x;
  std::string scale;
  std::string zero_point;
  std::string y;
  int axis = -1;
  int32_t round_type = 0;
  bool only_observer = false;
};
program::OpDesc MakeLinearOp(const char* type, const LinearOp& op);
// Replaces `from` by `to` in every slot.
void RenameInput(program::OpDesc* op, std::string_view from, const std::string& to);

class Editor {
 public:
  // Of a program that has a block. The program must outlive the editor.
  explicit Editor(program::Program* program);

  [[nodiscard]] const program::VarDesc* FindVar(const std::string& name) const;
  // A variable like `model` under another name, no parameter; of another type where one is given.
  // Does nothing when it exists.
  void AddVarLike(const std::string& name, const std::string& model,
                  std::optional<DType> dtype = std::nullopt);
  // A parameter and its variable; replaces what had the name.
  void SetParam(const std::string& name, DType dtype, std::vector<int64_t> dims,
                std::vector<std::byte> bytes);
  template <typename T>
  void SetParam(const std::string& name, DType dtype, std::vector<int64_t> dims,
                const std::vector<T>& values) {
    const auto* begin = reinterpret_cast<const std::byte*>(values.data());
    SetParam(name, dtype, std::move(dims),
             std::vector<std::byte>(begin, begin + values.size() * sizeof(T)));
  }

  // The operators that the block will have, in order.
  std::vector<program::OpDesc> ops;
  // Puts them into the program.
  void Finish();

 private:
  program::Program* program_;
  std::map<std::string, size_t, std::less<>> vars_;
};

}  // namespace skiff::quant
