#include "steps/strided_copy.h"

#include "kernels/eltwise/strided_copy.h"

namespace skiff::steps {

void CopyView(ThreadPool* pool, size_t element_size, const Dims& dims, bool order_nhwc, void* dst,
              const Strides& dst_strides, const void* src, const Strides& src_strides) {
  if (dims.Numel() <= 0) return;
  LoopNest<2> nest;
  nest.AddAll(dims, order_nhwc, {dst_strides, src_strides});
  nest.PadTo(1);
  kernels::StridedCopyArgs args;
  args.rank = nest.rank;
  int64_t total = 1;
  for (int i = 0; i < nest.rank; ++i) {
    const auto at = static_cast<size_t>(i);
    args.extent[i] = nest.extent[at];
    args.dst_stride[i] = nest.stride[0][at];
    args.src_stride[i] = nest.stride[1][at];
    total *= nest.extent[at];
  }
  // The longest axis is split, so that a single picture is shared between threads too.
  int split = 0;
  for (int i = 1; i < nest.rank - 1; ++i) {
    if (args.extent[i] > args.extent[split]) split = i;
  }
  const int64_t n = args.extent[split];
  const int64_t grain = std::max<int64_t>(1, kParallelGrain / (total / n));
  ParallelRanges(pool, n, grain, [&](int64_t begin, int64_t end) {
    kernels::StridedCopyArgs part = args;
    part.extent[split] = end - begin;
    kernels::StridedCopy(static_cast<std::byte*>(dst) +
                             begin * part.dst_stride[split] * static_cast<int64_t>(element_size),
                         static_cast<const std::byte*>(src) +
                             begin * part.src_stride[split] * static_cast<int64_t>(element_size),
                         element_size, part);
  });
}

}  // namespace skiff::steps
