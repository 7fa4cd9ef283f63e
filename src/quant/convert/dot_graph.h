// A picture of a program's main block, in the language of Graphviz.
#pragma once

#include <string>

#include "program/program.h"

namespace skiff::quant {

// Boxes are operators with their places in the block, which op_ids_to_skip takes; ellipses are
// variables, a version for each write.
std::string DotGraph(const program::Program& program);

}  // namespace skiff::quant
