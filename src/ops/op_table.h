// The generated list of operator folders.
#pragma once

#include <span>
#include <string_view>

#include "ops/op_def.h"

namespace skiff::ops {

struct OpFolder {
  std::string_view name;
  std::span<const OpDef> (*ops)();
};
std::span<const OpFolder> OpFolders();

}  // namespace skiff::ops
