// Placement of storages in one block of memory, by lifetime.
//
// Thread-safety: none; each Context has its own.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plan/model.h"

namespace skiff::runtime {

class ArenaPlanner {
 public:
  static constexpr size_t kAlignment = 64;

  // Places storages of the given sizes so that those alive at the same step do not overlap, and
  // returns the bytes needed in all. A storage of size 0 gets offset 0. With `keep_all` nothing is
  // shared. `offsets` has as many elements as `storages`.
  size_t Place(std::span<const plan::Storage> storages, std::span<const size_t> sizes, int steps,
               bool keep_all, std::span<size_t> offsets);

 private:
  struct Block {
    size_t offset;
    size_t size;
  };
  size_t Take(size_t size);
  void GiveBack(Block block);

  std::vector<Block> free_;  // by offset, no two adjacent
  std::vector<std::vector<int>> starts_;
  std::vector<std::vector<int>> ends_;
  size_t top_ = 0;
};

}  // namespace skiff::runtime
