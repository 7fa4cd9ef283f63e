// Prints every operator of the build: folder, name and layout rule, separated by tabs.
// scripts/make_operator_table.py makes docs/operators.md from it.
#include <cstdio>

#include "ops/op_table.h"

namespace {

const char* Name(skiff::ops::LayoutRule rule) {
  switch (rule) {
    case skiff::ops::LayoutRule::kPlain: return "NCHW";
    case skiff::ops::LayoutRule::kNhwc: return "NHWC";
    case skiff::ops::LayoutRule::kFollow: return "either";
  }
  return "?";
}

}  // namespace

int main() {
  for (const skiff::ops::OpFolder& folder : skiff::ops::OpFolders()) {
    for (const skiff::ops::OpDef& op : folder.ops()) {
      std::printf("%.*s\t%.*s\t%s\n", static_cast<int>(folder.name.size()), folder.name.data(),
                  static_cast<int>(op.name.size()), op.name.data(), Name(op.layout));
    }
  }
  return 0;
}
