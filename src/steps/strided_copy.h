// CopyView: the copying half of steps that move data without changing it.
//
// Thread-safe; no heap memory.
#pragma once

#include <cstddef>

#include "base/dims.h"
#include "base/thread_pool.h"
#include "steps/loop_nest.h"

namespace skiff::steps {

// dst[i] = src[i] for every index i of `dims`, where element i lies at the offset sum(i * stride)
// of each. `order_nhwc`: walk the axes in that order, which should be dst's. Work is split over the
// pool. An empty array is no work. REQUIRES: element_size is 1, 2, 4 or 8.
void CopyView(ThreadPool* pool, size_t element_size, const Dims& dims, bool order_nhwc, void* dst,
              const Strides& dst_strides, const void* src, const Strides& src_strides);

}  // namespace skiff::steps
