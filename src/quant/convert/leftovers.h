// What a program names, and what is left in it that nothing needs once it is converted.
//
// Thread-safety: functions of their arguments alone.
#pragma once

#include <set>
#include <string>

#include "base/status.h"
#include "program/program.h"
#include "quant/convert/convert_weights.h"

namespace skiff::quant {

// Only the main block is converted: an error where another one rounds.
Status CheckOtherBlocks(const program::Program& program);

std::set<std::string> NamesInOperators(const program::Program& program);
// Of operators, variables and parameters.
std::set<std::string> AllNames(const program::Program& program);

// Removes quantisers of the main block whose result nothing reads.
void DropUnreadQuantizers(program::Program* program);

// Removes variables and parameters that no operator names any more: of operators that are gone
// (`before`: what they named) or made for one that is.
void DropOrphans(const std::set<std::string>& before, const NewNames& made,
                 program::Program* program);

}  // namespace skiff::quant
