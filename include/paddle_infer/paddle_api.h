// The older interface: PaddleTensor in, PaddleTensor out, and ZeroCopyTensor handles.
//
// Thread-safety: a PaddlePredictor belongs to one thread at a time; its clones are independent.
// Every failure is a paddle::platform::EnforceNotMet.
#pragma once

// The names are Paddle's. NOLINTBEGIN(readability-identifier-naming)

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "paddle_analysis_config.h"
#include "paddle_error.h"
#include "paddle_infer_declare.h"
#include "paddle_tensor.h"

namespace paddle {

using PaddleDType = paddle_infer::DataType;
using PaddlePlace = paddle_infer::PlaceType;
using PaddleDataLayout = paddle_infer::DataLayout;

namespace platform {
using phi::dtype::bfloat16;
using phi::dtype::float16;
}  // namespace platform

// Memory of its own, or of somebody else's. Copies own theirs.
class PD_INFER_DECL PaddleBuf {
 public:
  PaddleBuf();
  explicit PaddleBuf(std::size_t length);
  // The memory stays the caller's.
  PaddleBuf(void* data, std::size_t length);
  PaddleBuf(const PaddleBuf& other);
  PaddleBuf(PaddleBuf&& other) noexcept;
  PaddleBuf& operator=(const PaddleBuf& other);
  PaddleBuf& operator=(PaddleBuf&& other) noexcept;
  ~PaddleBuf();

  // Contents are not kept where own memory grows. Somebody else's memory cannot grow: that throws.
  void Resize(std::size_t length);
  void Reset(void* data, std::size_t length);
  bool empty() const { return length_ == 0; }
  void* data() const { return data_; }
  std::size_t length() const { return length_; }

 private:
  void Free();

  void* data_;
  std::size_t length_;
  std::size_t capacity_;  // 0: somebody else's memory
};

struct PD_INFER_DECL PaddleTensor {
  PaddleTensor() : dtype(PaddleDType::FLOAT32) {}
  std::string name;
  std::vector<int> shape;
  PaddleBuf data;
  PaddleDType dtype;
  std::vector<std::vector<std::size_t>> lod;
};

class PD_INFER_DECL ZeroCopyTensor : public paddle_infer::Tensor {
 public:
  ~ZeroCopyTensor() override;
  template <typename T>
  void copy_from_cpu(const T* data) {
    return CopyFromCpu(data);
  }
  template <typename T>
  void copy_to_cpu(T* data) {
    return CopyToCpu(data);
  }

 private:
  friend class skiff::api::Engine;
  ZeroCopyTensor(std::shared_ptr<skiff::api::Engine> engine, bool is_input, std::size_t index);
};

class PD_INFER_DECL PaddlePredictor {
 public:
  struct PD_INFER_DECL Config {
    std::string model_dir;
  };

  PaddlePredictor();
  PaddlePredictor(const PaddlePredictor&) = delete;
  PaddlePredictor& operator=(const PaddlePredictor&) = delete;
  virtual ~PaddlePredictor();

  // Inputs are matched by name, and by order where they have none. `batch_size` changes nothing.
  virtual bool Run(const std::vector<PaddleTensor>& inputs, std::vector<PaddleTensor>* output_data,
                   int batch_size = -1) = 0;
  virtual std::vector<std::string> GetInputNames() = 0;
  virtual std::vector<std::string> GetOutputNames() = 0;
  virtual std::map<std::string, std::vector<int64_t>> GetInputTensorShape() = 0;
  virtual std::map<std::string, std::vector<int64_t>> GetOutputTensorShape() = 0;
  virtual std::map<std::string, PaddleDType> GetInputTypes() = 0;
  virtual std::map<std::string, PaddleDType> GetOutputTypes() = 0;
  virtual std::unique_ptr<ZeroCopyTensor> GetInputTensor(const std::string& name) = 0;
  virtual std::unique_ptr<ZeroCopyTensor> GetOutputTensor(const std::string& name) = 0;
  virtual bool ZeroCopyRun() = 0;
  virtual void ClearIntermediateTensor() = 0;
  virtual uint64_t TryShrinkMemory() = 0;
  virtual std::unique_ptr<PaddlePredictor> Clone(void* stream = nullptr) = 0;
};

// The plain executor of old programs; runs as a Config without graph optimisation does.
struct PD_INFER_DECL NativeConfig : public PaddlePredictor::Config {
  bool use_gpu = false;
  bool use_xpu = false;
  int device = 0;
  float fraction_of_gpu_memory = -1.F;
  std::string prog_file;
  std::string param_file;
  bool specify_input_name = false;
  void SetCpuMathLibraryNumThreads(int threads) { cpu_math_library_num_threads_ = threads; }
  int cpu_math_library_num_threads() const { return cpu_math_library_num_threads_; }

 protected:
  int cpu_math_library_num_threads_ = 1;
};

enum class PaddleEngineKind { kNative = 0, kAutoMixedTensorRT, kAnalysis, kONNXRuntime };

template <typename ConfigT, PaddleEngineKind engine = PaddleEngineKind::kAnalysis>
std::unique_ptr<PaddlePredictor> CreatePaddlePredictor(const ConfigT& config);

template <>
PD_INFER_DECL std::unique_ptr<PaddlePredictor>
CreatePaddlePredictor<AnalysisConfig, PaddleEngineKind::kAnalysis>(const AnalysisConfig& config);
template <>
PD_INFER_DECL std::unique_ptr<PaddlePredictor>
CreatePaddlePredictor<NativeConfig, PaddleEngineKind::kAnalysis>(const NativeConfig& config);
template <>
PD_INFER_DECL std::unique_ptr<PaddlePredictor>
CreatePaddlePredictor<NativeConfig, PaddleEngineKind::kNative>(const NativeConfig& config);

// Bytes of an element; throws on a type that has none.
PD_INFER_DECL int PaddleDtypeSize(PaddleDType dtype);
PD_INFER_DECL std::string get_version();
// Skiff has no flags: every name is unknown, which throws NotFound.
PD_INFER_DECL void UpdateDllFlag(const char* name, const char* value);

}  // namespace paddle

// NOLINTEND(readability-identifier-naming)
