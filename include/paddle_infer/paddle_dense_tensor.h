// paddle::Tensor: a value of Predictor::Run(inputs, &outputs): extents, type, name and memory.
//
// Copies share their memory, as Paddle's do. Thread-safety: as a shared_ptr to an array.
#pragma once

// The names are Paddle's. NOLINTBEGIN(readability-identifier-naming)

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "paddle_infer_declare.h"
#include "paddle_tensor.h"

namespace paddle {

using paddle_infer::DataType;

class PD_INFER_DECL Tensor {
 public:
  Tensor();
  explicit Tensor(const std::string& name);
  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  ~Tensor();

  const std::string& name() const;
  void set_name(const std::string& name);
  std::vector<int64_t> shape() const;
  DataType dtype() const;
  DataType type() const { return dtype(); }
  int64_t numel() const;
  bool defined() const;
  bool initialized() const { return defined(); }
  // Throws InvalidArgument when T is not the tensor's type.
  template <typename T>
  T* data() const;
  void* raw_data() const;

 private:
  friend PD_INFER_DECL Tensor empty(const std::vector<int64_t>& shape, DataType dtype);
  friend PD_INFER_DECL Tensor from_blob(void* data, const std::vector<int64_t>& shape,
                                        DataType dtype);
  struct State;
  std::shared_ptr<State> state_;
};

// New memory, not initialised.
PD_INFER_DECL Tensor empty(const std::vector<int64_t>& shape, DataType dtype = DataType::FLOAT32);
// The caller's memory, which must outlive the tensor and its copies.
PD_INFER_DECL Tensor from_blob(void* data, const std::vector<int64_t>& shape,
                               DataType dtype = DataType::FLOAT32);

}  // namespace paddle

// NOLINTEND(readability-identifier-naming)
