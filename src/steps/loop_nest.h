// LoopNest<K>: K arrays walked together over one index space. Axes of extent 1 are dropped and
// neighbours that are walked as one in every array are merged, so that the inner loops come out as
// long as they can be.
//
// A value type without heap memory; made anew in each Run.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/dims.h"
#include "base/thread_pool.h"

namespace skiff::steps {

using Strides = std::array<int64_t, Dims::kMaxRank>;

// Element strides of a dense array, by logical axis. `nhwc`: a 4-D array that lies N, H, W, C in
// memory though its axes are N, C, H, W.
inline Strides DenseStrides(const Dims& dims, bool nhwc) {
  Strides strides{};
  if (nhwc) {
    strides[1] = 1;
    strides[3] = dims[1];
    strides[2] = dims[3] * dims[1];
    strides[0] = dims[2] * dims[3] * dims[1];
    return strides;
  }
  uint64_t step = 1;  // may wrap around where the array is empty
  for (int i = dims.rank() - 1; i >= 0; --i) {
    strides[static_cast<size_t>(i)] = static_cast<int64_t>(step);
    step *= static_cast<uint64_t>(dims[i]);
  }
  return strides;
}

template <int K>
struct LoopNest {
  int rank = 0;
  std::array<int64_t, Dims::kMaxRank> extent{};
  std::array<Strides, K> stride{};

  // Axes are added outermost first.
  void Add(int64_t n, const std::array<int64_t, K>& step) {
    if (n == 1) return;
    const auto last = static_cast<size_t>(rank - 1);
    if (rank > 0 && Continues(n, step, last)) {
      extent[last] *= n;
      for (size_t k = 0; k < K; ++k) stride[k][last] = step[k];
      return;
    }
    const auto at = static_cast<size_t>(rank++);
    extent[at] = n;
    for (size_t k = 0; k < K; ++k) stride[k][at] = step[k];
  }

  // Makes the rank at least n with outer axes of extent 1.
  void PadTo(int n) {
    const int shift = n - rank;
    if (shift <= 0) return;
    for (int i = Dims::kMaxRank - 1; i >= 0; --i) {
      const auto to = static_cast<size_t>(i);
      const auto from = static_cast<size_t>(std::max(i - shift, 0));
      extent[to] = i < shift ? 1 : extent[from];
      for (size_t k = 0; k < K; ++k) stride[k][to] = i < shift ? 0 : stride[k][from];
    }
    rank = n;
  }

  // Adds the axes of `dims` in the order in which they lie in memory.
  void AddAll(const Dims& dims, bool nhwc, const std::array<Strides, K>& by_axis) {
    static constexpr int kNhwc[] = {0, 2, 3, 1};
    for (int i = 0; i < dims.rank(); ++i) {
      const int axis = nhwc ? kNhwc[i] : i;
      std::array<int64_t, K> step;
      for (size_t k = 0; k < K; ++k) step[k] = by_axis[k][static_cast<size_t>(axis)];
      Add(dims[axis], step);
    }
  }

 private:
  bool Continues(int64_t n, const std::array<int64_t, K>& step, size_t last) const {
    for (size_t k = 0; k < K; ++k) {
      if (stride[k][last] != step[k] * n) return false;
    }
    return true;
  }
};

// fn(begin, end) over [0, n), in pieces of about `grain`, from the threads of the pool.
template <typename Fn>
void ParallelRanges(ThreadPool* pool, int64_t n, int64_t grain, const Fn& fn) {
  const int64_t size = std::max<int64_t>(grain, 1);
  const int64_t pieces = (n + size - 1) / size;
  if (pool->threads() == 1 || pieces <= 1) {
    if (n > 0) fn(int64_t{0}, n);
    return;
  }
  pool->ParallelFor(pieces, [&](int64_t i) { fn(i * size, std::min(n, (i + 1) * size)); });
}

// Elements that are worth a thread of their own in cheap loops.
inline constexpr int64_t kParallelGrain = 16384;

}  // namespace skiff::steps
