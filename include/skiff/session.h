// Session: a Paddle model, loaded and ready to run.
//
// Load reads and compiles a model; Clone makes another Session over the same compiled model and
// weights, for another thread. A Session is used by one thread at a time; clones are independent.
// Ownership: input data stays the caller's and must live until Run returns; output data belongs to
// the Session and is valid until its next Run or its destruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
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
};
std::string_view Name(Precision precision);  // "fp32", "simulate", "int8"
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
  std::string calibration_file;  // "name threshold" lines (spec formats.md 4.5); empty: none
  int threads = 1;
  size_t memory_limit = size_t{1} << 30;  // bytes that activations may take; more is an error
  bool profile = false;                   // time every step (costs a clock read each)
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
  std::vector<int64_t> output_dims;  // of the last run
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

class Session {
 public:
  static Result<std::unique_ptr<Session>> Load(const ModelSource& source,
                                               const SessionOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] Result<std::unique_ptr<Session>> Clone() const;

  [[nodiscard]] const std::vector<TensorInfo>& inputs() const;
  [[nodiscard]] const std::vector<TensorInfo>& outputs() const;

  // REQUIRES: data holds as many elements as dims say.
  Status SetInput(size_t index, DType dtype, std::span<const int64_t> dims, const void* data);
  Status Run();
  [[nodiscard]] Result<TensorView> Output(size_t index) const;

  [[nodiscard]] std::vector<LayerInfo> Layers() const;
  void ResetProfile();
  [[nodiscard]] std::string_view isa() const;  // the rung in use: "avx2"
  [[nodiscard]] Precision precision() const;
  // Bytes held for activations, after the last run.
  [[nodiscard]] size_t activation_bytes() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skiff
