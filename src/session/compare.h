// compare: layer by layer, how far an INT8 model is from a reference, each layer fed with the
// reference's own tensors (teacher-forced), so that one layer's error does not reach the next.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "program/program.h"
#include "skiff/session_types.h"

namespace skiff::session {

struct LayerDifference {
  std::string op;
  std::string name;
  std::string kernel;
  std::string precision;
  int64_t elements = 0;
  // Of layers that write codes: the largest difference to the reference's codes, in steps of the
  // output's grid. Negative for layers that write floats.
  double max_steps = -1;
  double max_abs = 0;       // largest |difference| in real units
  double max_relative = 0;  // max_abs / largest |reference|
  double sqnr_db = 0;       // signal to quantisation noise; infinite when equal
};

struct CompareInput {
  DType dtype = DType::kFloat32;
  std::vector<int64_t> dims;
  const void* data = nullptr;
};

struct CompareResult {
  std::vector<LayerDifference> layers;    // in the order of execution
  std::vector<std::string> not_compared;  // layers whose tensors the reference does not have
};

// A tensor that somebody else computed, float32 in Paddle's order (NCHW).
struct ReferenceTensor {
  std::vector<int64_t> dims;
  std::vector<float> data;
};

// The same against tensors by variable name, real Paddle's for instance; they include the inputs.
Result<CompareResult> CompareLayers(const program::Program& program, const SessionOptions& options,
                                    const std::map<std::string, ReferenceTensor>& reference,
                                    const std::vector<CompareInput>& inputs);

// `options.precision` is what is judged; `reference` (kSimulate or kFp32) is the judge. With
// kSimulate residual tensors are rounded in the reference as the judged model carries them
// (docs/numerics.md).
Result<CompareResult> CompareLayers(const program::Program& program, const SessionOptions& options,
                                    Precision reference, const std::vector<CompareInput>& inputs);

}  // namespace skiff::session
