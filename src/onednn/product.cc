#include "onednn/product.h"

#include <algorithm>

#include "onednn/weights_impl.h"

namespace skiff::onednn {
namespace {

using dnnl::memory;

// A row-major array, its last two extents seen the other way round when `transpose`.
memory::desc Matrix(const Dims& extents, bool transpose) {
  const auto span = extents.span();
  memory::dims dims(span.begin(), span.end());
  memory::dims strides(dims.size(), 1);
  for (size_t i = dims.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * dims[i + 1];
  if (transpose) {
    std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
    std::swap(strides[dims.size() - 1], strides[dims.size() - 2]);
  }
  return {dims, memory::data_type::f32, strides};
}

}  // namespace

Result<std::unique_ptr<Primitive>> MakeInnerProduct(const InnerProductSpec& spec, int64_t m,
                                                    const Weights& weights, int threads) {
  const ThreadScope scope(threads);
  return Guard("inner product", [&]() -> Result<std::unique_ptr<Primitive>> {
    const auto f32 = memory::data_type::f32;
    const auto kind = dnnl::prop_kind::forward_inference;
    const memory::desc src({m, spec.k}, TypeOf(spec.storages.src), memory::format_tag::ab);
    const memory::desc dst({m, spec.n}, TypeOf(spec.storages.dst), memory::format_tag::ab);
    const memory::desc any({spec.n, spec.k}, TypeOf(spec.storages.src), memory::format_tag::any);
    const memory::desc plain({spec.n, spec.k}, f32,
                             spec.transposed ? memory::format_tag::ab : memory::format_tag::ba);
    memory::desc bias;  // empty: none
    if (spec.bias != nullptr) bias = {{spec.n}, f32, memory::format_tag::a};
    const dnnl::inner_product_forward::primitive_desc description(
        CpuEngine(), kind, src, any, bias, dst, MakeAttributes(spec.epilogue));
    const memory packed = weights.impl().Packed(plain, description.weights_desc());
    return Wrap(dnnl::inner_product_forward(description), description, packed, spec.bias);
  });
}

Result<std::unique_ptr<Primitive>> MakeBatchMatmul(const BatchMatmulSpec& spec, const Dims& left,
                                                   const Dims& right, int threads) {
  const ThreadScope scope(threads);
  return Guard("matrix product", [&]() -> Result<std::unique_ptr<Primitive>> {
    const memory::desc src = Matrix(left, spec.transpose_left);
    const memory::desc weights = Matrix(right, spec.transpose_right);
    Dims out;
    const int rank = left.rank();
    for (int i = 0; i < rank - 2; ++i) out.push_back(std::max(left[i], right[i]));
    out.push_back(src.get_dims()[static_cast<size_t>(rank - 2)]);
    out.push_back(weights.get_dims()[static_cast<size_t>(rank - 1)]);
    const dnnl::matmul::primitive_desc description(CpuEngine(), src, weights, Matrix(out, false),
                                                   MakeAttributes(spec.epilogue));
    return Wrap(dnnl::matmul(description), description, memory(), nullptr);
  });
}

}  // namespace skiff::onednn
