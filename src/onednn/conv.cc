#include "onednn/conv.h"

#include <algorithm>

#include "base/isa.h"
#include "onednn/weights_impl.h"

namespace skiff::onednn {
namespace {

using dnnl::memory;

struct Descs {
  memory::desc src, plain_weights, any_weights, bias, dst;
  memory::dims strides, dilations, pad_before, pad_after;
};

// oneDNN's weights are always [groups,] O, I, h, w by name; the strides say how they really lie.
memory::desc PlainWeights(const ConvSpec& spec, const memory::dims& dims) {
  const int64_t area = spec.kernel[0] * spec.kernel[1];
  const int64_t row = spec.kernel[1];
  const int64_t o = spec.out_channels / spec.groups;
  const int64_t i = spec.in_channels / spec.groups;
  memory::dims strides = spec.transposed ? memory::dims{i * o * area, area, o * area, row, 1}
                                         : memory::dims{o * i * area, i * area, area, row, 1};
  if (spec.groups == 1) strides.erase(strides.begin());
  return {dims, memory::data_type::f32, strides};
}

Descs MakeDescs(const ConvSpec& spec, const ConvExtents& e) {
  const auto f32 = memory::data_type::f32;
  Descs d;
  memory::dims weights{spec.groups, spec.out_channels / spec.groups, spec.in_channels / spec.groups,
                       spec.kernel[0], spec.kernel[1]};
  if (spec.groups == 1) weights.erase(weights.begin());
  d.plain_weights = PlainWeights(spec, weights);
  d.any_weights = {weights, TypeOf(spec.storages.src), memory::format_tag::any};
  d.src = {{e.batch, spec.in_channels, e.in[0], e.in[1]},
           TypeOf(spec.storages.src),
           memory::format_tag::nhwc};
  d.dst = {{e.batch, spec.out_channels, e.out[0], e.out[1]},
           TypeOf(spec.storages.dst),
           memory::format_tag::nhwc};
  if (spec.bias != nullptr) d.bias = {{spec.out_channels}, f32, memory::format_tag::a};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t reach = spec.dilation[i] * (spec.kernel[i] - 1) + 1;
    const int64_t small = spec.transposed ? e.in[i] : e.out[i];
    const int64_t large = spec.transposed ? e.out[i] : e.in[i];
    d.strides.push_back(spec.stride[i]);
    d.dilations.push_back(spec.dilation[i] - 1);
    d.pad_before.push_back(e.pad_before[i]);
    // What the last window needs; rows that no window reaches make it negative.
    d.pad_after.push_back((small - 1) * spec.stride[i] + reach - large - e.pad_before[i]);
  }
  return d;
}

template <typename Forward>
typename Forward::primitive_desc Describe(const ConvSpec& spec, const Descs& d,
                                          dnnl::algorithm algorithm) {
  const memory::desc bias = spec.bias != nullptr ? d.bias : memory::desc();
  return {CpuEngine(),   dnnl::prop_kind::forward_inference,
          algorithm,     d.src,
          d.any_weights, bias,
          d.dst,         d.strides,
          d.dilations,   d.pad_before,
          d.pad_after,   MakeAttributes(spec.epilogue)};
}

template <typename Forward>
std::unique_ptr<Primitive::Impl> Make(const ConvSpec& spec, const Descs& d,
                                      const typename Forward::primitive_desc& description,
                                      const Weights& weights) {
  const memory packed = weights.impl().Packed(d.plain_weights, description.weights_desc());
  return std::make_unique<Primitive::Impl>(Forward(description), description, packed, spec.bias);
}

using ConvDescription = dnnl::convolution_forward::primitive_desc;

ConvDescription DescribeConv(const ConvSpec& spec, const Descs& d) {
  return Describe<dnnl::convolution_forward>(spec, d, dnnl::algorithm::convolution_direct);
}

// Would vectors of 256 bits serve better where those of 512 are two halves? They leave fewer lanes
// empty, and cost less where there are few products for a sum.
bool FitsHalves(const std::string& first, const ConvSpec& spec) {
  const int64_t in = spec.in_channels;
  const int64_t out = spec.out_channels;
  if (first == "jit:avx512_core") return out > 16 && out <= 32;  // pictures
  if (first != "brgconv:avx512_core" && first != "brgconv_1x1:avx512_core") return false;
  const int64_t last = out % 16;
  return in <= 24 || (last >= 1 && last <= 8 && out <= 128);
}

// The cost model, measured on Zen 3 and 4 (docs/performance.md).
std::string PreferredKernel(const std::string& first, const ConvSpec& spec, const ConvExtents& e,
                            int threads) {
  constexpr int64_t kLeastPositions = 64;  // per thread
  const int64_t positions = e.batch * e.out[0] * e.out[1];
  // oneDNN prefers its batch-reduce kernels. The direct ones behind them are 3 to 10 % faster for
  // 1x1, but divide few positions among threads worse, and 10 to 30 % for depthwise convolutions.
  const bool divides = threads == 1 || positions >= kLeastPositions * threads;
  if (first == "brgconv_1x1:avx2" && divides) return "jit_1x1:avx2";
  if (first == "brdgmm_dw:avx2") return "jit_dw:avx2";
  if (first == "brdgmm_dw:avx512_core") return "jit_dw:avx512_core";
  if (FitsHalves(first, spec) && HalvesVectors512()) {
    return first.substr(0, first.find(':')) + ":avx2";
  }
  return first;
}

// Goes on to the kernel of that name; false when oneDNN has none.
bool AdvanceTo(std::string_view kernel, ConvDescription& description) {
  while (description.impl_info_str() != kernel) {
    if (!description.next_impl()) return false;
  }
  return true;
}

std::unique_ptr<Primitive::Impl> MakeDirect(const ConvSpec& spec, const ConvExtents& e,
                                            const Descs& d, const Weights& weights, int threads,
                                            std::string_view kernel) {
  ConvDescription description = DescribeConv(spec, d);
  const std::string preferred = PreferredKernel(description.impl_info_str(), spec, e, threads);
  const bool found = (!kernel.empty() && AdvanceTo(kernel, description)) ||
                     AdvanceTo(preferred, description = DescribeConv(spec, d));
  if (!found) description = DescribeConv(spec, d);
  return Make<dnnl::convolution_forward>(spec, d, description, weights);
}

// oneDNN 2.6 computes bias and activation of a deconvolution element by element, fifty times slower
// than the sums; one binary primitive over the result does both.
std::unique_ptr<Primitive::Impl> MakeTransposed(const ConvSpec& spec, const Descs& d,
                                                const Weights& weights) {
  ConvSpec bare = spec;
  bare.bias = nullptr;
  bare.epilogue = {};
  using Forward = dnnl::deconvolution_forward;
  auto impl = Make<Forward>(
      bare, d, Describe<Forward>(bare, d, dnnl::algorithm::deconvolution_direct), weights);
  if (spec.bias == nullptr && spec.epilogue.activation == Activation::kNone) return impl;
  // NHWC is a matrix of positions by channels, or one row where there is one channel.
  const int64_t positions = d.dst.get_dims()[0] * d.dst.get_dims()[2] * d.dst.get_dims()[3];
  const int64_t channels = spec.out_channels;
  const auto f32 = memory::data_type::f32;
  const memory::desc view(
      channels == 1 ? memory::dims{1, positions} : memory::dims{positions, channels}, f32,
      memory::format_tag::ab);
  const memory::desc bias({1, channels}, f32, memory::format_tag::ab);
  memory constant(bias, CpuEngine());
  auto* to = static_cast<float*>(constant.get_data_handle());
  for (int64_t o = 0; o < channels; ++o) to[o] = spec.bias == nullptr ? 0 : spec.bias[o];
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(MakePostOps(spec.epilogue));
  const dnnl::binary::primitive_desc description(CpuEngine(), dnnl::algorithm::binary_add, view,
                                                 bias, view, attributes);
  impl->SetFinish(dnnl::binary(description), view, constant);
  return impl;
}

}  // namespace

Result<std::vector<std::string>> ConvKernels(const ConvSpec& spec, const ConvExtents& extents,
                                             int threads) {
  constexpr size_t kMost = 4;  // what comes later in oneDNN's list is slower by far
  const ThreadScope scope(threads);
  return Guard("convolution", [&]() -> Result<std::vector<std::string>> {
    std::vector<std::string> names;
    if (spec.transposed) return names;
    const Descs d = MakeDescs(spec, extents);
    ConvDescription description = DescribeConv(spec, d);
    const std::string first = description.impl_info_str();
    const auto has = [](const std::string& name, const char* part) {
      return name.find(part) != std::string::npos;
    };
    do {
      const std::string name = description.impl_info_str();
      const bool fresh = std::find(names.begin(), names.end(), name) == names.end();
      const bool old = has(name, "ref") || has(name, "sse41");
      if (fresh && (name == first || !old)) names.push_back(name);
    } while (names.size() < kMost && description.next_impl());
    const auto preferred =
        std::find(names.begin(), names.end(), PreferredKernel(first, spec, extents, threads));
    if (preferred != names.end()) std::rotate(names.begin(), preferred, preferred + 1);
    return names;
  });
}

Result<std::unique_ptr<Primitive>> MakeConv(const ConvSpec& spec, const ConvExtents& extents,
                                            const Weights& weights, int threads,
                                            std::string_view kernel) {
  if (spec.transposed && spec.epilogue.residual) {
    return Unsupported("a transposed convolution with a residual");
  }
  const ThreadScope scope(threads);
  return Guard("convolution", [&]() -> Result<std::unique_ptr<Primitive>> {
    const Descs d = MakeDescs(spec, extents);
    return std::make_unique<Primitive>(
        spec.transposed ? MakeTransposed(spec, d, weights)
                        : MakeDirect(spec, extents, d, weights, threads, kernel));
  });
}

}  // namespace skiff::onednn
