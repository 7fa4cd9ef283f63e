// The generated list of operator folders.
#pragma once

#include <span>

#include "ops/op_def.h"

namespace skiff::ops {

using OpFolder = std::span<const OpDef> (*)();
std::span<const OpFolder> OpFolders();

}  // namespace skiff::ops
