#include "quant/original.h"

#include "formats/model_files.h"
#include "quant/cache.h"

namespace skiff::quant {

void OriginalModel::LetGo() {
  digest_ = Digest(program_);
  program_ = {};
}

Result<program::Program> OriginalModel::Load() const {
  if (digest_.empty()) return program_;
  SKIFF_ASSIGN_OR_RETURN(program::Program program, formats::LoadModel(source_));
  if (Digest(program) != digest_) {
    return InvalidArgument(program.source + ": the model changed while it was quantised");
  }
  return program;
}

}  // namespace skiff::quant
