// BuildTape: a block of a program as a Tape.
#pragma once

#include <map>
#include <string>

#include "base/dims.h"
#include "base/status.h"
#include "program/program.h"
#include "quant/export.h"
#include "quant/reconstruct/blocks.h"
#include "quant/reconstruct/tape.h"

namespace skiff::quant {

// Extents of the program's variables for one sample.
using SampleDims = std::map<std::string, Dims, std::less<>>;

// Weights of the block's layers become the tape's weights, in the order of block.layers, a shared
// one once; `values` of each points to the program's float weight. Constants of the program are
// read in place: the program must outlive the tape. Unsupported names the operator that a tape
// cannot hold. `learn_steps`: of activations that no quantised layer outside the block reads.
Result<Tape> BuildTape(const program::Program& program, const Quantized& quantized,
                       const Block& block, const SampleDims& dims, bool learn_steps);

}  // namespace skiff::quant
