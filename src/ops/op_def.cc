#include "ops/op_def.h"

#include <map>

#include "ops/op_table.h"

namespace skiff::ops {
namespace {

const std::map<std::string_view, const OpDef*>& Registry() {
  static const auto* registry = [] {
    auto* ops = new std::map<std::string_view, const OpDef*>;
    for (const OpFolder& folder : OpFolders()) {
      for (const OpDef& op : folder.ops()) ops->emplace(op.name, &op);
    }
    return ops;
  }();
  return *registry;
}

}  // namespace

const OpDef* FindOp(std::string_view type) {
  const auto it = Registry().find(type);
  return it == Registry().end() ? nullptr : it->second;
}

std::vector<const OpDef*> AllOps() {
  std::vector<const OpDef*> ops;
  for (const auto& [name, op] : Registry()) ops.push_back(op);
  return ops;
}

Status RequireSlots(const graph::Node& node, std::initializer_list<std::string_view> inputs,
                    std::initializer_list<std::string_view> outputs) {
  for (std::string_view slot : inputs) {
    if (node.In(slot) == nullptr) {
      return InvalidArgument("input slot " + std::string(slot) + " is missing");
    }
  }
  for (std::string_view slot : outputs) {
    if (node.Out(slot) == nullptr) {
      return InvalidArgument("output slot " + std::string(slot) + " is missing");
    }
  }
  return OkStatus();
}

}  // namespace skiff::ops
