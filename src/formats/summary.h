// What a model file holds, for `skiff inspect`: format, producer, inputs and outputs, operators,
// parameters and quantisation.
//
// Thread-safety: pure functions of a const Program.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "formats/quant_summary.h"
#include "program/program.h"
#include "skiff/session_types.h"

namespace skiff::formats {

struct ParameterCount {
  int64_t tensors = 0;
  int64_t elements = 0;
  int64_t bytes = 0;
};

struct ModelSummary {
  std::string source;
  std::string format;         // "ProgramDesc"
  std::string params_layout;  // "combined", "separate", "none"
  std::string producer;       // "2.6.2"; "development" for version 0; "" when the file has none
  std::vector<TensorInfo> inputs;   // in the order of the API
  std::vector<TensorInfo> outputs;  // named by the variables that are fetched
  size_t blocks = 0;
  std::map<std::string, int> operators;  // by type, of all blocks, without feed and fetch
  std::map<DType, ParameterCount> parameters;
  QuantSummary quantisation;

  [[nodiscard]] int operator_count() const;
  [[nodiscard]] ParameterCount parameter_total() const;
};

ModelSummary Summarise(const program::Program& program);

}  // namespace skiff::formats
