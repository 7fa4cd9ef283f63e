#include "quant/edit.h"

#include <algorithm>

namespace skiff::quant {

using program::OpDesc;
using program::VarDesc;

OpDesc MakeOp(std::string type, const Slots& inputs, const Slots& outputs) {
  OpDesc op;
  op.type = std::move(type);
  for (const auto& [slot, names] : inputs) op.inputs.push_back({slot, names, {}});
  for (const auto& [slot, names] : outputs) op.outputs.push_back({slot, names, {}});
  return op;
}

void SetAttribute(OpDesc* op, std::string_view name, program::AttrType type,
                  program::AttrValue value) {
  std::erase_if(op->attributes, [&](const program::Attribute& a) { return a.name == name; });
  op->attributes.push_back({std::string(name), type, std::move(value), {}});
}

OpDesc MakeLinearOp(const char* type, const LinearOp& op) {
  using program::AttrType;
  OpDesc made = MakeOp(type, {{"X", {op.x}}, {"Scale", {op.scale}}, {"ZeroPoint", {op.zero_point}}},
                       {{"Y", {op.y}}});
  SetAttribute(&made, "bit_length", AttrType::kInt, int32_t{8});
  SetAttribute(&made, "quant_axis", AttrType::kInt, int32_t{op.axis});
  SetAttribute(&made, "round_type", AttrType::kInt, op.round_type);
  SetAttribute(&made, "only_observer", AttrType::kBoolean, op.only_observer);
  return made;
}

void RenameInput(OpDesc* op, std::string_view from, const std::string& to) {
  for (program::Argument& argument : op->inputs) {
    std::replace(argument.names.begin(), argument.names.end(), std::string(from), to);
  }
}

Editor::Editor(program::Program* program) : program_(program) {
  const std::vector<VarDesc>& vars = program->blocks[0].vars;
  for (size_t i = 0; i < vars.size(); ++i) vars_.emplace(vars[i].name, i);
}

const VarDesc* Editor::FindVar(const std::string& name) const {
  const auto it = vars_.find(name);
  return it == vars_.end() ? nullptr : &program_->blocks[0].vars[it->second];
}

void Editor::AddVarLike(const std::string& name, const std::string& model,
                        std::optional<DType> dtype) {
  if (FindVar(name) != nullptr) return;
  VarDesc var;
  if (const VarDesc* like = FindVar(model)) {
    var.dtype = like->dtype;
    var.dims = like->dims;
    var.lod_level = like->lod_level;
  }
  if (dtype) var.dtype = dtype;
  var.name = name;
  vars_[name] = program_->blocks[0].vars.size();
  program_->blocks[0].vars.push_back(std::move(var));
}

void Editor::SetParam(const std::string& name, DType dtype, std::vector<int64_t> dims,
                      std::vector<std::byte> bytes) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  program::Tensor tensor;
  tensor.dtype = dtype;
  tensor.dims = dims;
  tensor.data = {owner, *owner};
  program_->params[name] = std::move(tensor);
  if (FindVar(name) != nullptr) return;
  VarDesc var;
  var.name = name;
  var.dtype = dtype;
  var.dims = std::move(dims);
  var.persistable = true;
  vars_[name] = program_->blocks[0].vars.size();
  program_->blocks[0].vars.push_back(std::move(var));
}

void Editor::Finish() { program_->blocks[0].ops = std::move(ops); }

}  // namespace skiff::quant
