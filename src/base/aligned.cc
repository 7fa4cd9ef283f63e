#include "base/aligned.h"

#include <sys/mman.h>

#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

namespace skiff {
namespace {

// Shared by the weights that are packed one after the other.
constexpr size_t kChunk = 4 * AlignedBuffer::kHugePage;

constexpr size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

std::shared_ptr<std::byte> Allocate(size_t bytes) {
  const bool huge = bytes >= AlignedBuffer::kHugePage;
  const size_t alignment = huge ? AlignedBuffer::kHugePage : AlignedBuffer::kAlignment;
  const size_t total = RoundUp(bytes, alignment);
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(alignment, total));
  if (memory == nullptr) throw std::bad_alloc();
  // Advice only: without huge pages the buffer is merely slower.
  if (huge) (void)madvise(memory, total, MADV_HUGEPAGE);
  return {memory, [](std::byte* p) { std::free(p); }};
}

class Chunks {
 public:
  std::shared_ptr<std::byte> Take(size_t bytes) {
    const size_t wanted = RoundUp(bytes, AlignedBuffer::kAlignment);
    const std::lock_guard lock(mutex_);
    std::shared_ptr<std::byte> chunk = chunk_.lock();
    if (chunk == nullptr || kChunk - used_ < wanted) {
      chunk = Allocate(kChunk);
      chunk_ = chunk;
      used_ = 0;
    }
    std::byte* at = chunk.get() + used_;
    used_ += wanted;
    return {std::move(chunk), at};
  }

 private:
  std::mutex mutex_;
  std::weak_ptr<std::byte> chunk_;
  size_t used_ = 0;
};

}  // namespace

AlignedBuffer::AlignedBuffer(size_t bytes) : AlignedBuffer(Allocate(bytes + kSlack), bytes) {}

AlignedBuffer::AlignedBuffer(std::shared_ptr<std::byte> data, size_t bytes)
    : data_(std::move(data)), bytes_(bytes) {
  std::memset(data_.get() + bytes, 0, kSlack);
}

AlignedBuffer AlignedBuffer::ForWeights(size_t bytes) {
  static Chunks chunks;
  if (bytes + kSlack >= kHugePage) return AlignedBuffer(bytes);
  return {chunks.Take(bytes + kSlack), bytes};
}

}  // namespace skiff
