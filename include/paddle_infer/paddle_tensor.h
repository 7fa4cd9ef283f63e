// Tensor: a handle to one input or output of a Predictor.
//
// Handles stay valid as long as they live, whatever becomes of the Predictor object, and may be
// fetched once and used for every run. Thread-safety: a Predictor and its handles belong to one
// thread at a time. Every failure is a paddle::platform::EnforceNotMet.
#pragma once

// The names are Paddle's. NOLINTBEGIN(readability-identifier-naming)

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "paddle_infer_declare.h"

namespace skiff {
namespace api {
class Engine;
struct Slot;
}  // namespace api
}  // namespace skiff

namespace phi {
namespace dtype {
// Storage only: the bits of the number.
struct PD_INFER_DECL float16 {
  uint16_t x;
};
struct PD_INFER_DECL bfloat16 {
  uint16_t x;
};
}  // namespace dtype
}  // namespace phi

namespace paddle_infer {

namespace contrib {
class TensorUtils;
}  // namespace contrib

// Called with its argument when an asynchronous copy is done.
typedef void (*CallbackFunc)(void*);

enum DataType { FLOAT32, INT64, INT32, UINT8, INT8, FLOAT16, BOOL, FLOAT64, BFLOAT16 };

enum class PlaceType { kUNK = -1, kCPU, kGPU, kXPU, kNPU, kIPU, kCUSTOM };

enum class DataLayout { kUNK = -1, kAny, kNHWC, kNCHW };

// T below is one of float, double, int64_t, int32_t, uint8_t, int8_t, bool, float16 and bfloat16.
class PD_INFER_DECL Tensor {
 public:
  virtual ~Tensor();

  // The extents of an input; needed before CopyFromCpu and mutable_data. Data that are there stay
  // as far as they fit.
  void Reshape(const std::vector<int>& shape);
  // For string tensors, which no supported model has: throws InvalidArgument, as Paddle does for
  // variables that hold numbers; of an output, PermissionDenied.
  void ReshapeStrings(const std::size_t& shape);

  // Memory for the input's extents, to be filled in place; of an output, its data.
  template <typename T>
  T* mutable_data(PlaceType place);
  // The data of an input that was set, or of an output after a run, and how many elements they are.
  template <typename T>
  T* data(PlaceType* place, int* size) const;

  // Copies as many elements as the extents say, and sets the type of an input.
  template <typename T>
  void CopyFromCpu(const T* data);
  // The caller's memory becomes the input, without a copy, and must live until it is replaced.
  // Of an output: every run writes its result there; a result that is larger is an error.
  template <typename T>
  void ShareExternalData(const T* data, const std::vector<int>& shape, PlaceType place,
                         DataLayout layout = DataLayout::kNCHW);
  // Throws InvalidArgument, for the same reason.
  void CopyStringsFromCpu(const std::vector<std::string>* data);

  template <typename T>
  void CopyToCpu(T* data) const;
  // On a CPU a copy is done when the call returns; the callback runs before that.
  template <typename T>
  void CopyToCpuAsync(T* data, void* exec_stream) const;
  template <typename T>
  void CopyToCpuAsync(T* data, CallbackFunc cb, void* cb_params) const;

  // {0} before anything was set; of an output, the extents of the last run.
  std::vector<int> shape() const;
  void SetLoD(const std::vector<std::vector<std::size_t>>& lod);
  std::vector<std::vector<std::size_t>> lod() const;
  const std::string& name() const;
  DataType type() const;
  PlaceType place() const;
  void SetPlace(PlaceType place, int device = -1, const std::string& device_type = "");

 protected:
  friend class skiff::api::Engine;
  friend class contrib::TensorUtils;
  Tensor(std::shared_ptr<skiff::api::Engine> engine, bool is_input, std::size_t index);

 private:
  skiff::api::Slot& slot() const;

  std::shared_ptr<skiff::api::Engine> engine_;
  bool is_input_;
  std::size_t index_;
};

}  // namespace paddle_infer

// NOLINTEND(readability-identifier-naming)
