// import_program: derives a Graph from block 0 of a Program.
#pragma once

#include <memory>

#include "base/status.h"
#include "graph/graph.h"
#include "program/program.h"

namespace skiff::passes {

// SSA form of the main block. A variable that is written several times becomes several values; the
// second and later ones are named "<variable>#<k>". Errors: an operator reads a variable that
// nothing wrote, feed or fetch make no sense, a parameter has no record.
Result<std::unique_ptr<graph::Graph>> ImportProgram(const program::Program& program);

// All operators of the graph that Skiff does not have, or does not support as they stand, in one
// error: one line per operator type with node names and reasons.
Status CheckSupported(const graph::Graph& graph);

}  // namespace skiff::passes
