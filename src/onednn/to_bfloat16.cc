#include "onednn/to_bfloat16.h"

#include "onednn/detail.h"

namespace skiff::onednn {

using dnnl::memory;

Result<std::unique_ptr<Primitive>> MakeToBfloat16(const Dims& dims, bool from_nhwc, bool to_nhwc,
                                                  int threads) {
  const ThreadScope scope(threads);
  return Guard("conversion to bfloat16", [&]() -> Result<std::unique_ptr<Primitive>> {
    const auto describe = [&](memory::data_type type, bool nhwc) -> memory::desc {
      if (from_nhwc == to_nhwc) return {{dims.Numel()}, type, memory::format_tag::a};
      const auto tag = nhwc ? memory::format_tag::nhwc : memory::format_tag::nchw;
      return {{dims[0], dims[1], dims[2], dims[3]}, type, tag};
    };
    const dnnl::reorder::primitive_desc description(
        CpuEngine(), describe(memory::data_type::f32, from_nhwc), CpuEngine(),
        describe(memory::data_type::bf16, to_nhwc), MakeAttributes({}));
    return Wrap(dnnl::reorder(description), description, memory(), nullptr);
  });
}

}  // namespace skiff::onednn
