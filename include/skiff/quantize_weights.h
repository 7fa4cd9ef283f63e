// Weights alone, without calibration data: smaller files, float arithmetic, no faster.
//
// QuantizeDynamic is PaddleSlim's quant_post_dynamic, QuantizeEmbedding its quant_embedding,
// ConvertWeightToFp16 Paddle's method of that name, with their arguments under their own names.
// Thread-safety: distinct calls may run in distinct threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skiff/export.h"
#include "skiff/session_types.h"
#include "skiff/status.h"

namespace skiff {

// What became of the weight of one operator that was asked for.
struct StoredWeight {
  std::string op;
  std::string name;  // the variable that the operator writes
  std::string weight;
  std::string why_float;  // why it stays as it was; empty: it is stored smaller
};

struct StoredWeightsReport {
  std::vector<StoredWeight> weights;
  int64_t bytes_before = 0;  // of all parameters
  int64_t bytes_after = 0;
};

struct DynamicOptions {
  // Of conv2d, depthwise_conv2d, mul, matmul and matmul_v2.
  std::vector<std::string> quantizable_op_type = {"conv2d", "mul"};
  int weight_bits = 8;             // or 16
  bool weight_per_channel = true;  // channel_wise_abs_max; false: abs_max
  bool generate_test_model = false;
  std::string save_model_filename = "model.pdmodel";
  std::string save_params_filename = "model.pdiparams";
};

// Writes the model of `source` into `<save_model_dir>/quantized_model`, the weights of its
// operators as integers and their steps in attributes (docs/formats.md, R5). With
// generate_test_model also
// `<save_model_dir>/test_model`: an ordinary float model that answers the same. Errors name the
// operator, variable or file; nothing is written then.
SKIFF_API Result<StoredWeightsReport> QuantizeDynamic(const ModelSource& source,
                                                      const DynamicOptions& options,
                                                      const std::string& save_model_dir);

struct Fp16Options {
  std::string save_model_filename = "model.pdmodel";
  std::string save_params_filename = "model.pdiparams";
};

// Writes the model of `source` into `save_model_dir` with every float32 parameter as float16; the
// program stays as it is. It is convert_weight_to_fp16 of Paddle's WeightQuantization, and cuts off
// digits as that does. A parameter with a finite value beyond 65504 stays float32.
SKIFF_API Result<StoredWeightsReport> ConvertWeightToFp16(const ModelSource& source,
                                                          const Fp16Options& options,
                                                          const std::string& save_model_dir);

struct EmbeddingOptions {
  std::vector<std::string> quantizable_op_type = {"lookup_table", "lookup_table_v2"};
  // The absolute value that stands for code 127, for every table; absent: a table's largest.
  std::optional<float> threshold;
  std::string save_model_filename = "model.pdmodel";
  std::string save_params_filename = "model.pdiparams";
};

// Writes the model of `source` into the folder `out`, its embedding tables as int8. A look-up then
// gives codes, and dequantize_abs_max behind it makes them float.
SKIFF_API Result<StoredWeightsReport> QuantizeEmbedding(const ModelSource& source,
                                                        const EmbeddingOptions& options,
                                                        const std::string& out);

}  // namespace skiff
