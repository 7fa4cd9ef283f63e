#include "program/program.h"

#include <algorithm>

namespace skiff::program {
namespace {

// Variables that hold no tensor of the file although models mark them persistable.
bool HasRecord(VarKind kind) {
  switch (kind) {
    case VarKind::kFeedMinibatch:
    case VarKind::kFetchList:
    case VarKind::kRaw:
    case VarKind::kReader: return false;
    default: return true;
  }
}

}  // namespace

std::vector<std::string> ParameterNames(const Program& program) {
  std::vector<std::string> names;
  if (program.blocks.empty()) return names;
  for (const VarDesc& var : program.blocks.front().vars) {
    if (var.persistable.value_or(false) && HasRecord(var.kind)) names.push_back(var.name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

const Attribute* FindAttribute(std::span<const Attribute> attributes, std::string_view name) {
  const auto it = std::find_if(attributes.rbegin(), attributes.rend(),
                               [name](const Attribute& a) { return a.name == name; });
  return it == attributes.rend() ? nullptr : &*it;
}

const Argument* FindArgument(std::span<const Argument> arguments, std::string_view slot) {
  const auto it = std::find_if(arguments.begin(), arguments.end(),
                               [slot](const Argument& a) { return a.slot == slot; });
  return it == arguments.end() ? nullptr : &*it;
}

}  // namespace skiff::program
