// Fingerprint: tells whether what an earlier process left on disk belongs to this work.
#pragma once

#include <cstdint>
#include <string>

#include "program/program.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// A digest of the program, the options that change answers, and the amount of data.
std::string Fingerprint(const program::Program& program, const QuantizeOptions& options,
                        int64_t batches);

}  // namespace skiff::quant
