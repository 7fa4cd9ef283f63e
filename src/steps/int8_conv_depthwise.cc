#include <cstring>
#include <utility>

#include "kernels/depthwise/depthwise.h"
#include "steps/int8_conv_steps.h"
#include "steps/int8_source.h"

namespace skiff::steps {
namespace {

using kernels::DepthwiseInput;

DepthwiseInput InputOf(const CodeGrid& grid) {
  return grid.is_unsigned ? DepthwiseInput::kU8 : DepthwiseInput::kS8;
}

class DepthwiseConv final : public KernelStep {
 public:
  DepthwiseConv(const Int8ConvSpec& spec, const ConvWindow& window, OwnedEpilogue epilogue,
                const kernels::DepthwiseKernel& kernel, Isa isa)
      : KernelStep(kernel.name, window.multiply_adds_per_output),
        window_(window),
        epilogue_(std::move(epilogue)),
        kernel_(&kernel),
        packed_(kernels::PackDepthwise(*kernel_, spec.in_channels, spec.kernel_h, spec.kernel_w,
                                       spec.filter.data(), epilogue_.epilogue)),
        source_(spec.input, spec.input_is_float, spec.input_is_nchw, false, isa) {}
  [[nodiscard]] bool WritesStrided() const override { return true; }
  [[nodiscard]] bool SplitsByImage(const Dims& /*x*/) const override { return true; }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    ConvPlace place;
    SKIFF_RETURN_IF_ERROR(window_.Reshape(shapes, &place));
    shapes.set_workspace(ZeroBytes(place) + source_.WorkspaceBytes(Image(place)));
    return OkStatus();
  }

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    const Result<ConvPlace> placed = window_.Place(run.in[0].dims);
    if (!placed.ok()) return placed.status();
    const ConvPlace& place = *placed;
    const kernels::Epilogue& e = epilogue_.epilogue;
    const size_t zero_bytes = ZeroBytes(place);
    std::memset(run.workspace, 0, zero_bytes);
    kernels::DepthwiseRun conv;
    conv.kernel = kernel_;
    conv.geometry = Geometry(place);
    conv.channels = window_.in_channels;
    conv.input =
        source_.Prepare(Image(place), run.in[0].data, run.workspace + zero_bytes, run.pool);
    conv.zeros = run.workspace;
    conv.packed = &packed_;
    conv.epilogue = &e;
    conv.dst = run.out[0].data;
    conv.dst_stride = run.out[0].PixelStride() * kernels::ElementBytes(e.store);
    if (window_.has_residual) {
      conv.residual = run.in[1].data;
      conv.residual_stride = window_.out_channels * kernels::ElementBytes(e.residual);
    }
    run.pool->ParallelFor(place.images * place.out_h,
                          [&](int64_t row) { kernels::RunDepthwiseRow(conv, row); });
    return OkStatus();
  }

 private:
  // A row of zeros stands for the rows above and below the picture.
  [[nodiscard]] size_t ZeroBytes(const ConvPlace& place) const {
    const auto row = static_cast<size_t>(place.in_w * window_.in_channels);
    return (row + kBufferSlack + 63) / 64 * 64;
  }
  [[nodiscard]] SourceImage Image(const ConvPlace& place) const {
    return {
        .images = place.images, .h = place.in_h, .w = place.in_w, .channels = window_.in_channels};
  }
  [[nodiscard]] kernels::ConvGeometry Geometry(const ConvPlace& place) const {
    return {.in_h = place.in_h,
            .in_w = place.in_w,
            .pixel_bytes = window_.in_channels,
            .out_h = place.out_h,
            .out_w = place.out_w,
            .taps_h = window_.kernel_h,
            .taps_w = window_.kernel_w,
            .stride_h = window_.stride_h,
            .stride_w = window_.stride_w,
            .dilation_h = place.rows.dilation,
            .dilation_w = place.columns.dilation,
            .pad_top = place.rows.before,
            .pad_left = place.columns.before};
  }

  ConvWindow window_;
  OwnedEpilogue epilogue_;
  const kernels::DepthwiseKernel* kernel_;
  kernels::PackedDepthwise packed_;
  ConvSource source_;
};

}  // namespace

Result<std::unique_ptr<Step>> MakeDepthwiseConv(const Int8ConvSpec& spec, const ConvWindow& window,
                                                OwnedEpilogue epilogue, Isa isa) {
  return std::unique_ptr<Step>(std::make_unique<DepthwiseConv>(
      spec, window, std::move(epilogue), *kernels::FindDepthwiseKernel(InputOf(spec.input), isa),
      isa));
}

}  // namespace skiff::steps
