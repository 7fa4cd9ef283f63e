// contrib: copies between tensors, and a Status for code that does not want exceptions.
#pragma once

// The names are Paddle's. NOLINTBEGIN(readability-identifier-naming)

#include <exception>
#include <string>

#include "paddle_error.h"
#include "paddle_infer_declare.h"
#include "paddle_tensor.h"

namespace paddle_infer {
namespace contrib {

class PD_INFER_DECL TensorUtils {
 public:
  // Extents, type, sequence offsets and data.
  static void CopyTensor(Tensor* dst, const Tensor& src);
  static void CopyTensorAsync(Tensor* dst, const Tensor& src, void* exec_stream);
  static void CopyTensorAsync(Tensor* dst, const Tensor& src, CallbackFunc cb, void* cb_params);
};

class Status {
 public:
  Status() : ok_(true) {}
  explicit Status(const std::exception& failure) : ok_(false), message_(failure.what()) {}
  static Status OK() { return Status(); }
  bool ok() const { return ok_; }
  const std::string& error_message() const { return message_; }

 private:
  bool ok_;
  std::string message_;
};

// Calls fn() and turns what it throws into a Status.
template <typename Fn>
Status get_status(Fn fn) {
  try {
    fn();
    return Status::OK();
  } catch (const std::exception& failure) {
    return Status(failure);
  }
}

}  // namespace contrib
}  // namespace paddle_infer

// NOLINTEND(readability-identifier-naming)
