#include "onednn/weights.h"

#include "onednn/weights_impl.h"

namespace skiff::onednn {

Weights::Weights(const float* data, std::shared_ptr<const void> owner)
    : impl_(std::make_unique<Impl>()) {
  impl_->data = data;
  impl_->owner = std::move(owner);
}
Weights::~Weights() = default;

dnnl::memory Weights::Impl::Packed(const dnnl::memory::desc& plain,
                                   const dnnl::memory::desc& wanted) {
  const std::lock_guard lock(mutex);
  for (const dnnl::memory& memory : packed) {
    if (memory.get_desc() == wanted) return memory;
  }
  dnnl::memory source =
      data != nullptr ? dnnl::memory(plain, CpuEngine(), const_cast<float*>(data)) : packed.front();
  if (plain == wanted && data != nullptr) {
    packed.push_back(source);
    return source;
  }
  // In huge pages, where oneDNN's own would not be.
  buffers.push_back(AlignedBuffer::ForWeights(wanted.get_size()));
  dnnl::memory made(wanted, CpuEngine(), buffers.back().As());
  dnnl::stream stream(CpuEngine());
  dnnl::reorder(source, made).execute(stream, source, made);
  stream.wait();
  packed.push_back(made);
  // Nothing refers to the array any more unless it serves as one of the formats itself.
  if (packed.size() == 1) {
    data = nullptr;
    owner.reset();
  }
  return made;
}

}  // namespace skiff::onednn
