// Session: a Paddle model, loaded and ready to run.
//
// Load reads and compiles a model; Clone makes another Session over the same compiled model and
// weights, for another thread. A Session is used by one thread at a time; clones are independent.
// Ownership: input data stays the caller's and must live until Run returns; output data belongs to
// the Session and is valid until its next Run or its destruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "skiff/dtype.h"
#include "skiff/export.h"
#include "skiff/session_types.h"
#include "skiff/status.h"

namespace skiff {

class SKIFF_API Session {
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
  // An error before the first Run, and after one that failed.
  [[nodiscard]] Result<TensorView> Output(size_t index) const;

  [[nodiscard]] std::vector<LayerInfo> Layers() const;
  void ResetProfile();
  // What Load put aside, each a sentence that names the file.
  [[nodiscard]] const std::vector<std::string>& warnings() const;
  [[nodiscard]] std::string_view isa() const;  // the rung in use: "avx2"
  [[nodiscard]] Precision precision() const;
  // Bytes held for activations, after the last run.
  [[nodiscard]] size_t activation_bytes() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  Status WarmUp();
  std::unique_ptr<Impl> impl_;
};

}  // namespace skiff
