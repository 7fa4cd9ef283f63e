#include "quant/convert/leftovers.h"

#include "quant/convert/quantizer_ops.h"
#include "quant/operators.h"

namespace skiff::quant {
namespace {

using program::OpDesc;

void InsertNames(const std::vector<program::Argument>& arguments, std::set<std::string>* names) {
  for (const program::Argument& argument : arguments) {
    names->insert(argument.names.begin(), argument.names.end());
  }
}

}  // namespace

Status CheckOtherBlocks(const program::Program& program) {
  for (size_t b = 1; b < program.blocks.size(); ++b) {
    for (const OpDesc& op : program.blocks[b].ops) {
      if (IsQuantizer(op)) {
        return Unsupported(op.type + " in block " + std::to_string(b) +
                           ": only the main block can be converted");
      }
    }
  }
  return OkStatus();
}

std::set<std::string> NamesInOperators(const program::Program& program) {
  std::set<std::string> names;
  for (const program::Block& block : program.blocks) {
    for (const OpDesc& op : block.ops) {
      InsertNames(op.inputs, &names);
      InsertNames(op.outputs, &names);
    }
  }
  return names;
}

std::set<std::string> AllNames(const program::Program& program) {
  std::set<std::string> names = NamesInOperators(program);
  for (const program::VarDesc& var : program.blocks[0].vars) names.insert(var.name);
  for (const auto& [name, tensor] : program.params) names.insert(name);
  return names;
}

void DropUnreadQuantizers(program::Program* program) {
  for (bool changed = true; changed;) {
    std::set<std::string> read;
    for (const program::Block& block : program->blocks) {
      for (const OpDesc& op : block.ops) InsertNames(op.inputs, &read);
    }
    const auto unread = [&](const OpDesc& op) {
      const std::string_view out = OnlyName(op.outputs, IsLinear(op) ? "Y" : "Out");
      return IsQuantizer(op) && !read.contains(std::string(out));
    };
    changed = std::erase_if(program->blocks[0].ops, unread) > 0;
  }
}

void DropOrphans(const std::set<std::string>& before, const NewNames& made,
                 program::Program* program) {
  const std::set<std::string> still = NamesInOperators(*program);
  const auto orphan = [&](const std::string& name) {
    return !still.contains(name) && (before.contains(name) || made.Made(name));
  };
  std::erase_if(program->blocks[0].vars,
                [&](const program::VarDesc& var) { return orphan(var.name); });
  std::erase_if(program->params, [&](const auto& entry) { return orphan(entry.first); });
}

}  // namespace skiff::quant
