// Constant weights of one computation, in every format that its primitives asked for.
//
// oneDNN chooses a format per extents; in practice one or two occur. The array as given is only
// needed until the first packing: later formats are made from the first one.
// Thread-safety: any number of threads may make primitives over one Weights.
#pragma once

#include <memory>

namespace skiff::onednn {

class Weights {
 public:
  // `data` is dense float32 in the order that the primitive's maker documents; `owner` keeps it
  // alive.
  Weights(const float* data, std::shared_ptr<const void> owner);
  ~Weights();
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  struct Impl;
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace skiff::onednn
