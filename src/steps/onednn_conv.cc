#include "steps/onednn_conv.h"

#include <cstring>
#include <utility>

#include "onednn/conv.h"
#include "steps/onednn_state.h"

namespace skiff::steps {
namespace {

std::array<WindowAxis, 2> ResolveWindows(const FloatConvSpec& spec, const Dims& in) {
  std::array<WindowAxis, 2> axes;
  for (size_t i = 0; i < 2; ++i) {
    axes[i] =
        ResolveWindow(spec.padding, in[2 + static_cast<int>(i)], spec.kernel[i], spec.stride[i],
                      {spec.pads[2 * i], spec.pads[2 * i + 1], spec.dilation[i]});
  }
  return axes;
}

int64_t OutputExtent(const FloatConvSpec& spec, size_t i, int64_t in, const WindowAxis& axis) {
  if (!spec.transposed) return WindowCount(in, spec.kernel[i], spec.stride[i], axis);
  return TransposedExtent(in, spec.kernel[i], spec.stride[i], axis, spec.output_padding[i],
                          spec.output_size[i]);
}

std::string Pair(const std::array<int64_t, 2>& v) {
  return std::to_string(v[0]) + "x" + std::to_string(v[1]);
}

class OnednnConv : public Step {
 public:
  explicit OnednnConv(FloatConvSpec spec)
      : spec_(std::move(spec)), weights_(spec_.filter, std::move(spec_.filter_owner)) {}

  [[nodiscard]] std::unique_ptr<StepState> NewState() const override {
    return std::make_unique<OnednnState>();
  }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    const Dims& in = shapes.in(0);
    SKIFF_ASSIGN_OR_RETURN(const Dims out, ConvOutputDims(spec_, in));
    if (spec_.epilogue.residual && !(shapes.in(1) == out)) {
      return InvalidArgument("residual is " + shapes.in(1).ToString() + ", the output " +
                             out.ToString());
    }
    shapes.set_out(0, out);
    auto& state = static_cast<OnednnState&>(*shapes.state());
    if (out.Numel() == 0) {
      state.SelectNone();
      shapes.set_workspace(0);
      return OkStatus();
    }
    SKIFF_RETURN_IF_ERROR(
        state.Select({in, out}, [&] { return MakePrimitive(in, out, shapes.threads()); }));
    shapes.set_workspace(state.current()->scratchpad_bytes());
    kernel_.Set(state.current()->kernel());
    return OkStatus();
  }

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    onednn::Primitive* primitive = static_cast<OnednnState&>(*run.state).current();
    if (primitive == nullptr) return OkStatus();
    if (spec_.epilogue.residual && run.in[1].data != run.out[0].data) {
      std::memcpy(run.out[0].data, run.in[1].data,
                  static_cast<size_t>(run.out[0].dims.Numel()) * ElementSize());
    }
    return primitive->Execute(
        {.src = run.in[0].data, .dst = run.out[0].data, .scratchpad = run.workspace},
        run.pool->threads());
  }

  [[nodiscard]] StepInfo Info() const override {
    StepInfo info;
    info.precision = PrecisionName(spec_.storages);
    info.kernel = kernel_.Get();
    return info;
  }

  // oneDNN adds to what the output holds.
  [[nodiscard]] int InPlaceInput() const override { return spec_.epilogue.residual ? 1 : -1; }

  [[nodiscard]] int64_t MultiplyAdds(std::span<const Dims> in,
                                     std::span<const Dims> out) const override {
    // Each element of the smaller side meets the whole kernel.
    const int64_t positions = spec_.transposed ? in[0].Numel() : out[0].Numel();
    const int64_t others = spec_.transposed ? spec_.out_channels : spec_.in_channels;
    return positions * (others / spec_.groups) * spec_.kernel[0] * spec_.kernel[1];
  }

  [[nodiscard]] KernelCandidates Candidates(std::span<const Dims> in, std::span<const Dims> out,
                                            int threads) const override {
    if (out[0].Numel() == 0) return {};
    auto kernels = onednn::ConvKernels(OnednnSpec(in[0]), Extents(in[0], out[0]), threads);
    if (!kernels.ok()) return {};
    return {LayerName(in[0], out[0], threads), *std::move(kernels)};
  }
  [[nodiscard]] size_t WeightBytes() const override {
    const int64_t taps = spec_.kernel[0] * spec_.kernel[1];
    return static_cast<size_t>(spec_.out_channels * (spec_.in_channels / spec_.groups) * taps) *
           ElementSize();
  }
  [[nodiscard]] bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 private:
  [[nodiscard]] size_t ElementSize() const {
    return spec_.storages.dst == onednn::Storage::kBfloat16 ? sizeof(uint16_t) : sizeof(float);
  }

  Result<std::unique_ptr<onednn::Primitive>> MakePrimitive(const Dims& in, const Dims& out,
                                                           int threads) const {
    std::string_view kernel;
    if (spec_.choices != nullptr) kernel = spec_.choices->Find(LayerName(in, out, threads));
    return onednn::MakeConv(OnednnSpec(in), Extents(in, out), weights_, threads, kernel);
  }

  [[nodiscard]] onednn::ConvSpec OnednnSpec(const Dims& in) const {
    onednn::ConvSpec spec;
    spec.transposed = spec_.transposed;
    spec.in_channels = spec_.in_channels;
    spec.out_channels = spec_.out_channels;
    spec.groups = spec_.groups;
    spec.kernel = spec_.kernel;
    spec.stride = spec_.stride;
    spec.bias = spec_.bias.empty() ? nullptr : spec_.bias.data();
    spec.epilogue = spec_.epilogue;
    spec.storages = spec_.storages;
    const std::array<WindowAxis, 2> axes = ResolveWindows(spec_, in);
    for (size_t i = 0; i < 2; ++i) spec.dilation[i] = axes[i].dilation;
    return spec;
  }

  [[nodiscard]] onednn::ConvExtents Extents(const Dims& in, const Dims& out) const {
    onednn::ConvExtents extents{in[0], {in[2], in[3]}, {out[2], out[3]}, {}};
    const std::array<WindowAxis, 2> axes = ResolveWindows(spec_, in);
    for (size_t i = 0; i < 2; ++i) extents.pad_before[i] = axes[i].before;
    return extents;
  }

  [[nodiscard]] std::string LayerName(const Dims& in, const Dims& out, int threads) const {
    const onednn::ConvSpec spec = OnednnSpec(in);
    const onednn::ConvExtents extents = Extents(in, out);
    std::string name = spec.transposed ? "conv_transpose_f32" : "conv_f32";
    if (spec.storages.src == onednn::Storage::kBfloat16) {
      name = spec.storages.dst == onednn::Storage::kBfloat16 ? "conv_bf16" : "conv_bf16_f32";
    }
    for (const int64_t v : {in[0],
                            in[1],
                            in[2],
                            in[3],
                            out[1],
                            out[2],
                            out[3],
                            spec.groups,
                            spec.kernel[0],
                            spec.kernel[1],
                            spec.stride[0],
                            spec.stride[1],
                            spec.dilation[0],
                            spec.dilation[1],
                            extents.pad_before[0],
                            extents.pad_before[1],
                            int64_t{spec.bias != nullptr},
                            int64_t{spec.epilogue.residual},
                            static_cast<int64_t>(spec.epilogue.activation),
                            int64_t{threads}}) {
      name += "_" + std::to_string(v);
    }
    return name;
  }

  FloatConvSpec spec_;
  onednn::Weights weights_;
  mutable KernelName kernel_;
};

}  // namespace

Result<Dims> ConvOutputDims(const FloatConvSpec& spec, const Dims& in) {
  if (in.rank() != 4 || in[1] != spec.in_channels) {
    return InvalidArgument("input is " + in.ToString() + ", the filter wants 4 extents with " +
                           std::to_string(spec.in_channels) + " channels");
  }
  const std::array<WindowAxis, 2> axes = ResolveWindows(spec, in);
  Dims out{in[0], spec.out_channels};
  for (size_t i = 0; i < 2; ++i) {
    out.push_back(OutputExtent(spec, i, in[2 + static_cast<int>(i)], axes[i]));
  }
  if (out[2] <= 0 || out[3] <= 0) {
    return InvalidArgument("input " + in.ToString() + " is too small for a kernel of " +
                           Pair(spec.kernel) + " with dilation " + Pair(spec.dilation));
  }
  if (out.Numel() < 0) return ResourceExhausted("output " + out.ToString() + " is too large");
  return out;
}

std::unique_ptr<Step> MakeOnednnConv(FloatConvSpec spec) {
  return std::make_unique<OnednnConv>(std::move(spec));
}

}  // namespace skiff::steps
