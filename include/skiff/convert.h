// Convert: a quantised model of any of PaddleSlim's forms in, the model to deploy out.
//
// In place of Paddle's save_quant_model.py. What is written is the onnx format: weights are int8 on
// disk, roundings are quantize_linear and dequantize_linear operators, everything else is as it
// was. The grids and the weights' integers are those of the model that was read, so the answers are
// the same. Thread-safety: distinct calls may run in distinct threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "skiff/export.h"
#include "skiff/session_types.h"
#include "skiff/status.h"

namespace skiff {

struct ConvertOptions {
  // Operator types that stay quantised; empty: all. Paddle's names for them, before and after its
  // fusions: "conv2d" stands for depthwise_conv2d and fused_conv2d, "fc" for mul and products by a
  // constant matrix. Others become float operators with the weights that their integers stand for.
  std::vector<std::string> ops_to_quantize;
  // Operators that become float: their places in the main block of the model that is read.
  std::vector<int64_t> op_ids_to_skip;
  bool debug = false;  // write graphs of before and after beside the model, for Graphviz
  std::string save_model_filename = "__model__";
  // Empty: a file for each parameter beside "__model__", else `<name of the model>.pdiparams`.
  std::string save_params_filename;
};

// What became of one quantised operator.
struct ConvertedOperator {
  int64_t id = 0;  // its place in the main block of the model that was read
  std::string op;
  std::string name;       // the variable that it writes
  std::string why_float;  // why it became float; empty: it is quantised
};

struct ConvertReport {
  std::string representation;  // of the model that was read: "R1" (docs/formats.md)
  std::vector<ConvertedOperator> operators;
};

// Converts the model of `source` and writes it into the folder `out`, made if need be, each file
// under a temporary name first. Errors name the operator, variable or file; a model that is not
// quantised is one. A program of save_quant_model.py (R7) is deployable already and is copied.
SKIFF_API Result<ConvertReport> Convert(const ModelSource& source, const ConvertOptions& options,
                                        const std::string& out);

}  // namespace skiff
