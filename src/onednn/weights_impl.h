// The inside of Weights, for the makers of primitives.
#pragma once

#include <mutex>
#include <vector>

#include "base/aligned.h"
#include "onednn/detail.h"
#include "onednn/weights.h"

namespace skiff::onednn {

struct Weights::Impl {
  // The weights as `wanted`, packed on first demand; `plain` describes the array as it was given.
  // Throws what oneDNN throws.
  dnnl::memory Packed(const dnnl::memory::desc& plain, const dnnl::memory::desc& wanted);

  std::mutex mutex;
  const float* data = nullptr;
  std::shared_ptr<const void> owner;
  // Each format with the memory that it lies in; none where that is the array as it was given.
  std::vector<dnnl::memory> packed;
  std::vector<AlignedBuffer> buffers;
};

}  // namespace skiff::onednn
