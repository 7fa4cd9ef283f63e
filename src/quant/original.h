// OriginalModel: the float model as it was read, for those who judge what became of it.
//
// A recipe that changes most parameters lets the file's go, and they are read again each time.
// Used by one thread; the source's buffers must outlive it.
#pragma once

#include <string>
#include <utility>

#include "base/status.h"
#include "program/program.h"
#include "skiff/session_types.h"

namespace skiff::quant {

class OriginalModel {
 public:
  OriginalModel() = default;
  // Shares the parameters of `as_read`.
  OriginalModel(const ModelSource& source, program::Program as_read)
      : source_(source), program_(std::move(as_read)) {}

  // From now on Load reads the source again. What shares the parameters keeps them alive.
  void LetGo();

  // An error when the source is no longer what it was.
  [[nodiscard]] Result<program::Program> Load() const;

 private:
  ModelSource source_;
  program::Program program_;
  std::string digest_;  // of what was let go; empty: nothing was
};

}  // namespace skiff::quant
