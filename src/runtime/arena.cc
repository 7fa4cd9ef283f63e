#include "runtime/arena.h"

#include <algorithm>

namespace skiff::runtime {

size_t ArenaPlanner::Place(std::span<const plan::Storage> storages, std::span<const size_t> sizes,
                           int steps, bool keep_all, std::span<size_t> offsets) {
  free_.clear();
  top_ = 0;
  const auto n = static_cast<size_t>(steps) + 1;
  starts_.resize(n);
  ends_.resize(n);
  for (size_t s = 0; s < n; ++s) {
    starts_[s].clear();
    ends_[s].clear();
  }
  for (size_t i = 0; i < storages.size(); ++i) {
    starts_[static_cast<size_t>(storages[i].first_step)].push_back(static_cast<int>(i));
    ends_[static_cast<size_t>(storages[i].last_step)].push_back(static_cast<int>(i));
  }
  for (size_t s = 0; s < n; ++s) {
    for (int i : starts_[s]) {
      offsets[static_cast<size_t>(i)] = Take(sizes[static_cast<size_t>(i)]);
    }
    if (keep_all) continue;
    for (int i : ends_[s]) {
      const auto k = static_cast<size_t>(i);
      if (sizes[k] > 0) GiveBack({offsets[k], sizes[k]});
    }
  }
  return top_;
}

// Best fit; REQUIRES: size is a multiple of kAlignment.
size_t ArenaPlanner::Take(size_t size) {
  if (size == 0) return 0;
  auto best = free_.end();
  for (auto it = free_.begin(); it != free_.end(); ++it) {
    if (it->size >= size && (best == free_.end() || it->size < best->size)) best = it;
  }
  if (best == free_.end()) {
    // Grow the last free block where it ends at the top.
    if (!free_.empty() && free_.back().offset + free_.back().size == top_) {
      const size_t offset = free_.back().offset;
      free_.pop_back();
      top_ = offset + size;
      return offset;
    }
    const size_t offset = top_;
    top_ += size;
    return offset;
  }
  const size_t offset = best->offset;
  best->offset += size;
  best->size -= size;
  if (best->size == 0) free_.erase(best);
  return offset;
}

void ArenaPlanner::GiveBack(Block block) {
  auto next = std::lower_bound(free_.begin(), free_.end(), block.offset,
                               [](const Block& b, size_t offset) { return b.offset < offset; });
  if (next != free_.end() && block.offset + block.size == next->offset) {
    block.size += next->size;
    next = free_.erase(next);
  }
  if (next != free_.begin() && std::prev(next)->offset + std::prev(next)->size == block.offset) {
    std::prev(next)->size += block.size;
    return;
  }
  free_.insert(next, block);
}

}  // namespace skiff::runtime
