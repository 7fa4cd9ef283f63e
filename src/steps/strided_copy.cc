#include "steps/strided_copy.h"

#include <cstdint>

#include "kernels/eltwise/strided_copy.h"

namespace skiff::steps {
namespace {

kernels::StridedCopyArgs ArgsOf(const LoopNest<2>& nest) {
  kernels::StridedCopyArgs args;
  args.rank = nest.rank;
  for (int i = 0; i < nest.rank; ++i) {
    const auto at = static_cast<size_t>(i);
    args.extent[i] = nest.extent[at];
    args.dst_stride[i] = nest.stride[0][at];
    args.src_stride[i] = nest.stride[1][at];
  }
  return args;
}

// A few elements that lie together on both sides are moved as one wider one.
void WidenElements(const void* dst, const void* src, kernels::StridedCopyArgs* args,
                   size_t* element_size) {
  const int inner = args->rank - 1;
  const int64_t n = args->extent[inner];
  const size_t wide = *element_size * static_cast<size_t>(n);
  if (inner == 0 || args->dst_stride[inner] != 1 || args->src_stride[inner] != 1 ||
      (wide != 2 && wide != 4 && wide != 8)) {
    return;
  }
  const auto aligned = [&](const void* p) { return reinterpret_cast<uintptr_t>(p) % wide == 0; };
  bool fits = aligned(dst) && aligned(src);
  for (int i = 0; i < inner; ++i) {
    fits = fits && args->dst_stride[i] % n == 0 && args->src_stride[i] % n == 0;
  }
  if (!fits) return;
  for (int i = 0; i < inner; ++i) {
    args->dst_stride[i] /= n;
    args->src_stride[i] /= n;
  }
  args->rank = inner;
  *element_size = wide;
}

}  // namespace

void CopyView(ThreadPool* pool, size_t element_size, const Dims& dims, bool order_nhwc, void* dst,
              const Strides& dst_strides, const void* src, const Strides& src_strides) {
  if (dims.Numel() <= 0) return;
  LoopNest<2> nest;
  nest.AddAll(dims, order_nhwc, {dst_strides, src_strides});
  nest.PadTo(1);
  kernels::StridedCopyArgs args = ArgsOf(nest);
  WidenElements(dst, src, &args, &element_size);
  // The longest axis is split, so that a single picture is shared between threads too.
  int split = 0;
  int64_t total = args.extent[args.rank - 1];
  for (int i = 0; i < args.rank - 1; ++i) {
    if (args.extent[i] > args.extent[split]) split = i;
    total *= args.extent[i];
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
