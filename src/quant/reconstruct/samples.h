// Samples: what enters a block, in float and in the network that is quantised so far, and what the
// float network makes of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/dims.h"
#include "base/status.h"
#include "program/program.h"
#include "quant/export.h"
#include "quant/reconstruct/blocks.h"
#include "quant/reconstruct/build.h"
#include "skiff/quantize.h"

namespace skiff::quant {

struct SampleOptions {
  int threads = 1;
  size_t memory_limit = 0;  // bytes of all samples of one block
};

// One after the other, in Paddle's order (NCHW).
struct Samples {
  int64_t count = 0;
  size_t input_size = 0;   // of one
  size_t output_size = 0;  // of one
  std::vector<float> float_inputs;
  std::vector<float> inputs;  // of the quantised network
  std::vector<float> targets;
};

// Extents of every float variable for one sample of the first batch. Batches of several samples
// have them along the first extent.
Result<SampleDims> FindSampleDims(const program::Program& program, CalibrationData& data,
                                  const SampleOptions& options);

// Runs both networks as far as the block. Samples of other extents than the first are left out, and
// those that do not fit: they are then taken evenly from the data.
Result<Samples> GatherSamples(const program::Program& program, const Quantized& quantized,
                              const Block& block, const SampleDims& dims, CalibrationData& data,
                              const SampleOptions& options);

}  // namespace skiff::quant
