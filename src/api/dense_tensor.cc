#include <new>

#include "api/errors.h"
#include "api/types.h"
#include "base/aligned.h"
#include "paddle_infer/paddle_dense_tensor.h"

namespace paddle {

struct Tensor::State {
  std::string name;
  std::vector<int64_t> shape;
  DataType dtype = DataType::FLOAT32;
  skiff::AlignedBuffer own;
  void* data = nullptr;
};

namespace {

int64_t Count(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) {
      skiff::api::Throw("InvalidArgument", "a tensor with an extent of " + std::to_string(extent));
    }
  }
  return count;
}

}  // namespace

Tensor::Tensor() : state_(std::make_shared<State>()) {}
Tensor::Tensor(const std::string& name) : Tensor() { state_->name = name; }
Tensor::Tensor(const Tensor& other) = default;
Tensor& Tensor::operator=(const Tensor& other) = default;
Tensor::~Tensor() = default;

const std::string& Tensor::name() const { return state_->name; }
void Tensor::set_name(const std::string& name) { state_->name = name; }
std::vector<int64_t> Tensor::shape() const { return state_->shape; }
DataType Tensor::dtype() const { return state_->dtype; }
int64_t Tensor::numel() const { return defined() ? Count(state_->shape) : 0; }
bool Tensor::defined() const { return state_->data != nullptr; }
void* Tensor::raw_data() const { return state_->data; }

template <typename T>
T* Tensor::data() const {
  if (state_->dtype != skiff::api::TypeOf<T>::value) {
    skiff::api::Throw("InvalidArgument",
                      "The type of data we are trying to retrieve does not match "
                      "the type of data currently contained in the container.");
  }
  return static_cast<T*>(state_->data);
}

#define SKIFF_INSTANTIATE(T, name) template PD_INFER_DECL T* Tensor::data<T>() const;
SKIFF_API_TYPES(SKIFF_INSTANTIATE)
#undef SKIFF_INSTANTIATE

Tensor empty(const std::vector<int64_t>& shape, DataType dtype) {
  Tensor tensor;
  size_t bytes = 0;
  const size_t size = skiff::SizeOf(skiff::api::FromPaddle(dtype));
  if (__builtin_mul_overflow(static_cast<size_t>(Count(shape)), size, &bytes)) {
    skiff::api::Throw("ResourceExhausted", "a tensor larger than memory");
  }
  try {
    tensor.state_->own = skiff::AlignedBuffer(bytes);
  } catch (const std::bad_alloc&) {
    skiff::api::Throw("ResourceExhausted", "no memory for " + std::to_string(bytes) + " bytes");
  }
  tensor.state_->data = tensor.state_->own.As();
  tensor.state_->shape = shape;
  tensor.state_->dtype = dtype;
  return tensor;
}

Tensor from_blob(void* data, const std::vector<int64_t>& shape, DataType dtype) {
  (void)Count(shape);
  Tensor tensor;
  tensor.state_->data = data;
  tensor.state_->shape = shape;
  tensor.state_->dtype = dtype;
  return tensor;
}

}  // namespace paddle
