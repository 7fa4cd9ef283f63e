// What a Session takes and tells: plain data, which the rooms below it share.
//
// Value types; distinct objects may be used from distinct threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "skiff/dtype.h"
#include "skiff/status.h"

namespace skiff {

enum class Precision {
  kFp32,      // quantisation stripped, float arithmetic
  kSimulate,  // the quantised graph run literally in float
  kInt8,      // quantised layers in integers (docs/numerics.md)
  // As kFp32, but convolutions and fully connected layers multiply bfloat16, and the tensors
  // between them are stored as it. Where the CPU does not multiply bfloat16 (AVX-512 BF16 or AMX),
  // Load says so in warnings() and the session is one of kFp32.
  kBf16,
};
std::string_view Name(Precision precision);  // "fp32", "simulate", "int8", "bf16"
Result<Precision> ParsePrecision(std::string_view name);

// Where a model is: a folder, two files, or two buffers in memory.
struct ModelSource {
  std::string model_dir;
  std::string model_file;   // a path; inside model_dir when that is given and the path is relative
  std::string params_file;  // the same
  std::span<const std::byte> model_buffer;   // must live while Load runs
  std::span<const std::byte> params_buffer;  // copied
};

struct SessionOptions {
  Precision precision = Precision::kInt8;
  std::string calibration_file;  // "name threshold" lines (docs/formats.md); empty: none
  int threads = 1;
  size_t memory_limit = size_t{1} << 30;  // bytes that activations may take; more is an error
  bool profile = false;                   // time every step (costs a clock read each)
  // A folder where Autotune left the kernels that are the fastest on this machine; empty: cost
  // models choose. A file that does not fit, damaged or of another machine, is ignored with a
  // warning.
  std::string optim_cache_dir;
  // Load ends with a run on zeros where the model says all extents but the first, so that the first
  // run is as fast as the next.
  bool warm_up = true;
};

struct TensorInfo {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> dims;  // as the model declares them, -1 where free
};

// One step of the compiled model.
struct LayerInfo {
  std::string op;         // Paddle's operator type
  std::string name;       // the variable it writes
  std::string precision;  // "int8", "fp32", ...
  std::string kernel;
  std::string why_float;             // why a quantisable layer is not INT8
  std::vector<int64_t> input_dims;   // the first input's, in the last run
  std::vector<int64_t> output_dims;  // the first output's, in the last run
  int64_t activation_bytes = 0;      // that the last run read and wrote, without weights
  int64_t multiply_adds = 0;         // of the last run
  double total_ms = 0;               // over the profiled runs; 0 without SessionOptions::profile
  int64_t runs = 0;
};

struct TensorView {
  DType dtype = DType::kFloat32;
  std::vector<int64_t> dims;
  const void* data = nullptr;
  size_t bytes = 0;
};

}  // namespace skiff
