// Reconstruct: chooses the rounding of weights, and the steps of activations, so that each block of
// the network answers as the float network does (BRECQ, arXiv 2102.05426), with a part of the
// activations left unrounded in training (QDrop, arXiv 2203.05740). Layer by layer it is AdaRound
// (arXiv 2004.10568).
//
// The answer depends on the model, the data, the options and the seed, not on the number of
// threads. docs/quantisation.md says how and at what cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "program/program.h"
#include "quant/export.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// What became of a block. Errors are the mean square of its output's difference from float over the
// mean square of the float output, at the quantised network's own input.
struct ReconstructedBlock {
  size_t index = 0;
  size_t blocks = 0;
  std::string name;                 // the variable that it writes
  std::vector<std::string> layers;  // by the variable that each writes
  double error_before = 0;
  double error_after = 0;  // never above error_before: otherwise nothing is changed
  std::string why_left;    // not empty: it was left as it was
};

struct ReconstructOptions {
  bool blocks = true;   // false: layer by layer
  int block_limit = 6;  // quantised layers in one block
  int iterations = 0;   // 0: as many as the size of the network allows (docs/quantisation.md)
  int batch_size = 16;  // blocks of large pictures take fewer, but four
  float learning_rate = 0.05F;       // of the rounding
  float step_learning_rate = 5e-4F;  // of the logarithm of activations' steps; 0: they stay
  float drop_probability = 0.5F;     // of leaving an activation unrounded; layer by layer none is
  float regulariser = 30;  // the weight of undecided rounding against the error of the block
  uint64_t seed = 1;
  int threads = 1;
  size_t memory_limit = size_t{1} << 30;  // bytes of all samples of one block
  // Blocks below are done: `quantized` holds what they became. A later call that goes on there
  // gives the same answer as one that was never stopped.
  size_t first_block = 0;
  // After each block; `quantized` is then complete and can be stored. An error stops the work.
  std::function<Status(const ReconstructedBlock&)> on_block;
  // Asked before each iteration; an error stops the work.
  std::function<Status()> go_on;
};

// `quantized` has codes and ranges of all quantised layers. Thresholds of weights stay; codes and,
// where steps are learned, ranges of activations change.
Status Reconstruct(const program::Program& program, CalibrationData& data,
                   const ReconstructOptions& options, const QuantizeProgress& progress,
                   Quantized* quantized);

}  // namespace skiff::quant
