#include <algorithm>
#include <climits>
#include <cstring>

#include "api/engine.h"
#include "api/errors.h"
#include "api/types.h"
#include "paddle_infer/paddle_infer_contrib.h"
#include "paddle_infer/paddle_tensor.h"

namespace paddle_infer {
namespace {

using skiff::api::Slot;
using skiff::api::Throw;

const char* NameOf(DataType type) {
  return skiff::Name(skiff::api::FromPaddle(type)).data();  // of literals
}

void RequireCpu(const Slot& slot, PlaceType place) {
  if (place == PlaceType::kCPU) return;
  Throw("Unavailable", "tensor " + slot.name + ": this build has no device but the CPU, place " +
                           std::to_string(static_cast<int>(place)) + " was asked for");
}

void RequireInput(const Slot& slot, bool is_input, const char* what) {
  if (is_input) return;
  Throw("PermissionDenied",
        "Can't " + std::string(what) + " the output tensor " + slot.name + ", it is readonly");
}

// Strings are the inputs of tokenizer operators, and models that have those are not loaded: every
// variable here holds numbers.
[[noreturn]] void ThrowNotStrings(const Slot& slot) {
  Throw("InvalidArgument", "The Variable type must be Strings, but the type that tensor " +
                               slot.name + " holds is DenseTensor.");
}

// A tensor's data as T; throws when there are none or they are of another type.
template <typename T>
T* DataOf(const Slot& slot) {
  if (slot.data == nullptr) {
    Throw("PreconditionNotMet", "tensor " + slot.name +
                                    " holds no data: an input is to be set "
                                    "first, an output to be computed with Run");
  }
  if (slot.type != skiff::api::TypeOf<T>::value) {
    Throw("InvalidArgument", "tensor " + slot.name + " is " + NameOf(slot.type) +
                                 ", asked for as " + NameOf(skiff::api::TypeOf<T>::value));
  }
  return static_cast<T*>(slot.data);
}

}  // namespace

Tensor::Tensor(std::shared_ptr<skiff::api::Engine> engine, bool is_input, std::size_t index)
    : engine_(std::move(engine)), is_input_(is_input), index_(index) {}
Tensor::~Tensor() = default;

Slot& Tensor::slot() const { return is_input_ ? engine_->input(index_) : engine_->output(index_); }

void Tensor::Reshape(const std::vector<int>& shape) {
  Slot& tensor = slot();
  RequireInput(tensor, is_input_, "reshape");
  tensor.shape = shape;
}

void Tensor::ReshapeStrings(const std::size_t&) {
  RequireInput(slot(), is_input_, "reshape");
  ThrowNotStrings(slot());
}

void Tensor::CopyStringsFromCpu(const std::vector<std::string>*) { ThrowNotStrings(slot()); }

template <typename T>
T* Tensor::mutable_data(PlaceType place) {
  Slot& tensor = slot();
  RequireCpu(tensor, place);
  if (!is_input_) return DataOf<T>(tensor);
  const std::size_t count = tensor.Numel();
  if (count == 0) {
    Throw("PreconditionNotMet",
          "You should call Tensor::Reshape(const std::vector<int>& shape) "
          "function before getting or copying data of input " +
              tensor.name);
  }
  tensor.type = skiff::api::TypeOf<T>::value;
  return static_cast<T*>(tensor.Allocate(count, sizeof(T)));
}

template <typename T>
T* Tensor::data(PlaceType* place, int* size) const {
  const Slot& tensor = slot();
  T* const data = DataOf<T>(tensor);
  const std::size_t count = tensor.Numel();
  if (count > INT_MAX) {
    Throw("OutOfRange", "tensor " + tensor.name + " has " + std::to_string(count) +
                            " elements, more than an int can say");
  }
  *place = PlaceType::kCPU;
  *size = static_cast<int>(count);
  return data;
}

template <typename T>
void Tensor::CopyFromCpu(const T* data) {
  RequireInput(slot(), is_input_, "copy into");
  T* const to = mutable_data<T>(PlaceType::kCPU);
  std::memcpy(to, data, slot().Numel() * sizeof(T));
}

template <typename T>
void Tensor::ShareExternalData(const T* data, const std::vector<int>& shape, PlaceType place,
                               DataLayout) {
  Slot& tensor = slot();
  RequireCpu(tensor, place);
  tensor.shape = shape;
  tensor.type = skiff::api::TypeOf<T>::value;
  const std::size_t bytes = tensor.Numel() * sizeof(T);
  // The engine only reads inputs; the signature is Paddle's, where an output may be written.
  void* const memory = const_cast<T*>(data);
  if (is_input_) {
    tensor.data = memory;
    tensor.bytes = bytes;
  } else {
    tensor.external = memory;
    tensor.external_bytes = bytes;
  }
}

template <typename T>
void Tensor::CopyToCpu(T* data) const {
  const Slot& tensor = slot();
  std::memcpy(data, DataOf<T>(tensor), tensor.Numel() * sizeof(T));
}

template <typename T>
void Tensor::CopyToCpuAsync(T* data, void*) const {
  CopyToCpu(data);
}

template <typename T>
void Tensor::CopyToCpuAsync(T* data, CallbackFunc cb, void* cb_params) const {
  CopyToCpu(data);
  cb(cb_params);
}

std::vector<int> Tensor::shape() const { return slot().shape; }
void Tensor::SetLoD(const std::vector<std::vector<std::size_t>>& lod) { slot().lod = lod; }
std::vector<std::vector<std::size_t>> Tensor::lod() const { return slot().lod; }
const std::string& Tensor::name() const { return slot().name; }
DataType Tensor::type() const { return slot().type; }
PlaceType Tensor::place() const { return PlaceType::kCPU; }
void Tensor::SetPlace(PlaceType place, int, const std::string&) { RequireCpu(slot(), place); }

#define SKIFF_INSTANTIATE(T, name)                                                            \
  template PD_INFER_DECL T* Tensor::mutable_data<T>(PlaceType);                               \
  template PD_INFER_DECL T* Tensor::data<T>(PlaceType*, int*) const;                          \
  template PD_INFER_DECL void Tensor::CopyFromCpu<T>(const T*);                               \
  template PD_INFER_DECL void Tensor::ShareExternalData<T>(const T*, const std::vector<int>&, \
                                                           PlaceType, DataLayout);            \
  template PD_INFER_DECL void Tensor::CopyToCpu<T>(T*) const;                                 \
  template PD_INFER_DECL void Tensor::CopyToCpuAsync<T>(T*, void*) const;                     \
  template PD_INFER_DECL void Tensor::CopyToCpuAsync<T>(T*, CallbackFunc, void*) const;
SKIFF_API_TYPES(SKIFF_INSTANTIATE)
#undef SKIFF_INSTANTIATE

namespace contrib {

void TensorUtils::CopyTensor(Tensor* dst, const Tensor& src) {
  Slot& from = src.slot();
  Slot& to = dst->slot();
  RequireInput(to, dst->is_input_, "copy into");
  if (&from == &to) return;
  if (from.data == nullptr) {
    Throw("PreconditionNotMet", "tensor " + from.name + " holds no data");
  }
  to.shape = from.shape;
  to.type = from.type;
  to.lod = from.lod;
  const std::size_t size = skiff::SizeOf(skiff::api::FromPaddle(from.type));
  const std::size_t count = from.Numel();
  std::memcpy(to.Allocate(count, size), from.data, count * size);
}

void TensorUtils::CopyTensorAsync(Tensor* dst, const Tensor& src, void*) { CopyTensor(dst, src); }

void TensorUtils::CopyTensorAsync(Tensor* dst, const Tensor& src, CallbackFunc cb,
                                  void* cb_params) {
  CopyTensor(dst, src);
  cb(cb_params);
}

}  // namespace contrib
}  // namespace paddle_infer
