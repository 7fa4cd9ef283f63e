// Paddle Inference's C++ API, run by Skiff: Config, CreatePredictor, Predictor, Tensor.
//
//   paddle_infer::Config config("model.pdmodel", "model.pdiparams");
//   config.EnableMkldnnInt8();
//   auto predictor = paddle_infer::CreatePredictor(config);
//   auto input = predictor->GetInputHandle(predictor->GetInputNames()[0]);
//   input->Reshape({1, 3, 224, 224});
//   input->CopyFromCpu(pixels.data());
//   predictor->Run();
//
// Parses as C++11 and later. Thread-safety: a Predictor and its handles belong to one thread at a
// time; clones are independent of each other and share the weights. Every failure is a
// paddle::platform::EnforceNotMet, which is a std::exception.
#pragma once

// The names are Paddle's. NOLINTBEGIN(readability-identifier-naming)

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "paddle_analysis_config.h"
#include "paddle_api.h"
#include "paddle_dense_tensor.h"
#include "paddle_infer_contrib.h"
#include "paddle_infer_declare.h"
#include "paddle_pass_builder.h"
#include "paddle_tensor.h"

namespace paddle_infer {

using PrecisionType = paddle::AnalysisConfig::Precision;
using Config = paddle::AnalysisConfig;
using XpuConfig = paddle::XpuConfig;
using float16 = phi::dtype::float16;
using bfloat16 = phi::dtype::bfloat16;

// Sees every tensor that an operator reads or writes: operator type, variable, tensor. The tensor,
// N, C, H, W, is a copy that stays while the function runs.
using TensorHookFunc = std::function<void(const std::string&, const std::string&, const Tensor&)>;
using InputTensorHookFunc = TensorHookFunc;
using OutputTensorHookFunc = TensorHookFunc;

class PD_INFER_DECL Predictor {
 public:
  explicit Predictor(const Config& config);
  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;
  ~Predictor();

  std::vector<std::string> GetInputNames();
  std::vector<std::string> GetOutputNames();
  std::unique_ptr<Tensor> GetInputHandle(const std::string& name);
  std::unique_ptr<Tensor> GetOutputHandle(const std::string& name);
  // As the model declares them; -1 where an extent is free.
  std::map<std::string, std::vector<int64_t>> GetInputTensorShape();
  std::map<std::string, std::vector<int64_t>> GetOutputTensorShape();
  std::map<std::string, DataType> GetInputTypes();
  std::map<std::string, DataType> GetOutputTypes();

  // True; throws when an input is not set, or is of a type or shape that the model cannot take.
  bool Run();
  // The same with tensors as values. Outputs are copies.
  bool Run(const std::vector<paddle::Tensor>& inputs, std::vector<paddle::Tensor>* outputs);

  // Another Predictor over the same weights, with empty inputs, for another thread.
  std::unique_ptr<Predictor> Clone(void* stream = nullptr);
  // Gives back the memory of activations and inputs; extents stay, data have to be set again.
  void ClearIntermediateTensor();
  // Gives back the memory of activations; how many bytes that was.
  uint64_t TryShrinkMemory();

  // Called in every Run, before and after each operator that is left once operators were fused
  // (docs/api.md); several may be registered, clones have none. Runs with hooks are slow. What a
  // hook throws leaves Run.
  void RegisterOutputHook(const OutputTensorHookFunc& hook);
  void RegisterInputHook(const InputTensorHookFunc& hook);
  void* GetExecStream() const;

 private:
  explicit Predictor(std::shared_ptr<skiff::api::Engine> engine);
  std::shared_ptr<skiff::api::Engine> engine_;
};

PD_INFER_DECL std::shared_ptr<Predictor> CreatePredictor(const Config& config);
// 4 for FLOAT32 and INT32, 8 for INT64, 1 for UINT8, otherwise -1.
PD_INFER_DECL int GetNumBytesOfDataType(DataType dtype);
// "version: X\ncommit: Y\nbranch: Z\n".
PD_INFER_DECL std::string GetVersion();
PD_INFER_DECL std::tuple<int, int, int> GetTrtCompileVersion();
PD_INFER_DECL std::tuple<int, int, int> GetTrtRuntimeVersion();
PD_INFER_DECL void UpdateDllFlag(const char* name, const char* value);
// Makes models for GPUs; throws Unavailable.
PD_INFER_DECL void ConvertToMixedPrecision(const std::string& model_file,
                                           const std::string& params_file,
                                           const std::string& mixed_model_file,
                                           const std::string& mixed_params_file,
                                           PrecisionType mixed_precision, PlaceType backend,
                                           bool keep_io_types = true,
                                           std::unordered_set<std::string> black_list = {},
                                           std::unordered_set<std::string> white_list = {});

namespace services {

// A Predictor and size - 1 clones of it.
class PD_INFER_DECL PredictorPool {
 public:
  PredictorPool() = delete;
  PredictorPool(const PredictorPool&) = delete;
  PredictorPool& operator=(const PredictorPool&) = delete;
  explicit PredictorPool(const Config& config, std::size_t size = 1);
  ~PredictorPool();

  // Throws InvalidArgument when there is none of that index. The pool keeps it.
  Predictor* Retrive(std::size_t index);
  Predictor* Retrieve(std::size_t index);

 private:
  std::vector<std::shared_ptr<Predictor>> predictors_;
};

}  // namespace services

namespace experimental {

// For streams of GPUs; on a CPU every call does nothing and returns false.
class PD_INFER_DECL InternalUtils {
 public:
  static bool RunWithExternalStream(Predictor* predictor, void* stream);
  static void UpdateConfigInterleaved(Config* config, bool with_interleaved);
  static void SetTransformerPosid(Config* config, const std::string& name);
  static void SetTransformerMaskid(Config* config, const std::string& name);
};

}  // namespace experimental
}  // namespace paddle_infer

// NOLINTEND(readability-identifier-naming)
