#include "steps/int8_conv_transpose.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "kernels/eltwise/unary.h"
#include "steps/int8_conv_steps.h"
#include "steps/int8_source.h"

namespace skiff::steps {
namespace {

using kernels::ConvInput;

// Along one axis, the output positions o with (o + padding before) % stride == residue. With q =
// (o + before) / stride they read the inputs q - reach + tap * dilation, for each tap.
struct PhaseAxis {
  int64_t residue = 0;
  int64_t taps = 0;  // 0: nothing reaches these positions
  int64_t reach = 0;
  int64_t dilation = 1;
  // Of the kernel: tap t has the weights at first - t * step.
  int64_t first = 0;
  int64_t step = 1;

  PhaseAxis(int64_t kernel, int64_t stride, int64_t dilated, int64_t r) : residue(r) {
    const int64_t common = std::gcd(stride, dilated);
    step = stride / common;
    dilation = dilated / common;
    for (int64_t i = 0; i < kernel; ++i) {
      if (i * dilated % stride != residue) continue;
      ++taps;
      first = i;
      reach = (i * dilated - residue) / stride;
    }
  }
};

// The positions of a phase within an output of `extent`.
struct PhaseRange {
  int64_t first_q = 0;  // of the first position
  int64_t first = 0;
  int64_t count = 0;

  PhaseRange(const PhaseAxis& axis, int64_t stride, int64_t before, int64_t extent)
      : first_q((before - axis.residue + stride - 1) / stride),
        first(first_q * stride + axis.residue - before),
        count(first < extent ? (extent - first + stride - 1) / stride : 0) {}
};

struct Phase {
  PhaseAxis rows;
  PhaseAxis columns;
  ChosenConv conv;
};

// All columns of a block of `stride` have their taps at the same inputs: they are one convolution
// with as many times the channels, whose results lie side by side.
bool MergesColumns(const Int8ConvTransposeSpec& s) {
  const int64_t stride = s.stride[1];
  const int64_t right = s.pads[3] - s.output_padding[1];
  const bool explicit_pads = s.padding == PaddingRule::kExplicit;
  return s.padding != PaddingRule::kSame && s.dilation[1] == 1 && s.kernel[1] % stride == 0 &&
         (!explicit_pads || s.pads[2] % stride == 0) &&
         (s.output_size[1] > 0 ? s.output_size[1] % stride == 0
                               : (explicit_pads ? right : -s.output_padding[1]) % stride == 0);
}

// [blocks * O][taps][I] of the kernel's [I][O][kh][kw].
std::vector<int8_t> WeightsOf(const Int8ConvTransposeSpec& s, const PhaseAxis& rows,
                              const PhaseAxis& columns, int64_t blocks) {
  const int64_t taps = std::max<int64_t>(rows.taps * columns.taps, 1);
  std::vector<int8_t> weights(static_cast<size_t>(blocks * s.out_channels * taps * s.in_channels));
  auto to = weights.begin();
  if (rows.taps * columns.taps == 0) return weights;
  for (int64_t channel = 0; channel < blocks * s.out_channels; ++channel) {
    const int64_t block = channel / s.out_channels, o = channel % s.out_channels;
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t i = rows.first - tap / columns.taps * rows.step;
      const int64_t j = columns.first - tap % columns.taps * columns.step + block;
      for (int64_t c = 0; c < s.in_channels; ++c) {
        *to++ = s.filter[static_cast<size_t>(
            ((c * s.out_channels + o) * s.kernel[0] + i) * s.kernel[1] + j)];
      }
    }
  }
  return weights;
}

std::vector<Phase> PhasesOf(const Int8ConvTransposeSpec& s, int64_t blocks, Isa isa) {
  std::vector<Phase> phases;
  for (int64_t y = 0; y < s.stride[0]; ++y) {
    for (int64_t x = 0; x < s.stride[1]; x += blocks) {
      const PhaseAxis rows(s.kernel[0], s.stride[0], s.dilation[0], y);
      const PhaseAxis columns(s.kernel[1], s.stride[1], s.dilation[1], x);
      const std::vector<int8_t> weights = WeightsOf(s, rows, columns, blocks);
      const int64_t taps = std::max<int64_t>(rows.taps * columns.taps, 1);
      const kernels::ConvFilter filter = {.data = weights.data(),
                                          .out_channels = blocks * s.out_channels,
                                          .taps = taps,
                                          .inner_depth = s.in_channels,
                                          .stride_o = taps * s.in_channels,
                                          .stride_tap = s.in_channels};
      phases.push_back({rows, columns, ChooseConv(s.input, {&filter, 1}, isa, {}, nullptr)});
    }
  }
  return phases;
}

template <typename T>
std::vector<T> Repeated(const std::vector<T>& once, int64_t times) {
  std::vector<T> all;
  for (int64_t i = 0; i < times; ++i) all.insert(all.end(), once.begin(), once.end());
  return all;
}

OwnedEpilogue EpilogueOf(const Int8ConvTransposeSpec& s, int64_t blocks, bool plain) {
  EpilogueSpec e;
  e.channels = blocks * s.out_channels;
  e.max_sum = MaxSum(s.input, s.in_channels * s.kernel[0] * s.kernel[1]);
  e.input_step = s.input.step;
  e.weight_step = s.filter_step.size() == 1 ? s.filter_step : Repeated(s.filter_step, blocks);
  e.bias = Repeated(s.bias, blocks);
  if (!plain) e.activation = s.activation;
  e.output_is_float = s.output_is_float;
  e.output = s.output;
  return MakeEpilogue(e);
}

// A whole vector of the kernels' epilogue goes through an activation, however few of its channels
// there are: an expensive one of few channels is left to a loop over the row. It computes the same.
kernels::UnaryKernel OverRows(const Int8ConvTransposeSpec& s, int64_t blocks, Isa isa) {
  constexpr int64_t kFew = 8;
  if (!s.output_is_float || blocks * s.out_channels >= kFew) return nullptr;
  switch (s.activation.kind) {
    case kernels::ActivationKind::kSigmoid:
      return kernels::SelectUnary(isa, kernels::UnaryOp::kSigmoid);
    case kernels::ActivationKind::kTanh: return kernels::SelectUnary(isa, kernels::UnaryOp::kTanh);
    default: return nullptr;
  }
}

class Int8ConvTranspose final : public Step {
 public:
  Int8ConvTranspose(const Int8ConvTransposeSpec& spec, int64_t blocks, Isa isa)
      : spec_(spec),
        over_rows_(OverRows(spec, blocks, isa)),
        epilogue_(EpilogueOf(spec, blocks, over_rows_ != nullptr)),
        column_phases_(spec.stride[1] / blocks),
        phases_(PhasesOf(spec, blocks, isa)),
        element_(kernels::ElementBytes(phases_[0].conv.kernel->input)),
        source_(spec.input, false, false, phases_[0].conv.kernel->input == ConvInput::kS16, isa),
        zeros_(static_cast<size_t>(spec.in_channels * element_)) {
    zeros_.Zero();
    spec_.filter = {};
  }

  [[nodiscard]] StepInfo Info() const override {
    StepInfo info;
    info.precision = "int8";
    info.kernel = phases_[0].conv.kernel->name;
    return info;
  }
  [[nodiscard]] int64_t MultiplyAdds(std::span<const Dims> in,
                                     std::span<const Dims> /*out*/) const override {
    return in[0].Numel() * spec_.out_channels * spec_.kernel[0] * spec_.kernel[1];
  }
  [[nodiscard]] const void* FirstWeights() const override {
    return phases_[0].conv.groups[0].weights.As();
  }
  [[nodiscard]] size_t WeightBytes() const override {
    size_t bytes = 0;
    for (const Phase& phase : phases_) bytes += PackedBytes(phase.conv.groups);
    return bytes;
  }
  [[nodiscard]] bool SplitsByImage(const Dims& /*x*/) const override { return true; }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    SKIFF_ASSIGN_OR_RETURN(const Place place, PlaceOf(shapes.in(0)));
    shapes.set_out(0, {place.images, spec_.out_channels, place.out[0], place.out[1]});
    shapes.set_workspace(RowBytes(place) * static_cast<size_t>(shapes.threads()) +
                         source_.WorkspaceBytes(Image(place)));
    return OkStatus();
  }

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    const Result<Place> placed = PlaceOf(run.in[0].dims);
    if (!placed.ok()) return placed.status();
    const Place& place = *placed;
    const size_t row_bytes = RowBytes(place);
    std::byte* const codes = run.workspace + row_bytes * static_cast<size_t>(run.pool->threads());
    const void* const input = source_.Prepare(Image(place), run.in[0].data, codes, run.pool);
    run.pool->ParallelFor(place.images * place.out[0], [&](int64_t row, int thread) {
      RunRow(place, input, row, run.out[0].data,
             run.workspace + row_bytes * static_cast<size_t>(thread));
    });
    return OkStatus();
  }

 private:
  struct Place {
    int64_t images = 0;
    std::array<int64_t, 2> in{};
    std::array<int64_t, 2> out{};
    std::array<int64_t, 2> before{};
  };

  [[nodiscard]] Result<Place> PlaceOf(const Dims& x) const {
    if (x.rank() != 4 || x[1] != spec_.in_channels) {
      return InvalidArgument("the input " + x.ToString() + " of a transposed convolution; its " +
                             "filter wants 4 dimensions with " + std::to_string(spec_.in_channels) +
                             " channels");
    }
    Place place;
    place.images = x[0];
    for (size_t i = 0; i < 2; ++i) {
      place.in[i] = x[2 + static_cast<int>(i)];
      const WindowAxis axis =
          ResolveWindow(spec_.padding, place.in[i], spec_.kernel[i], spec_.stride[i],
                        {spec_.pads[2 * i], spec_.pads[2 * i + 1], spec_.dilation[i]});
      place.before[i] = axis.before;
      place.out[i] = TransposedExtent(place.in[i], spec_.kernel[i], spec_.stride[i], axis,
                                      spec_.output_padding[i], spec_.output_size[i]);
    }
    const Dims out = {place.images, spec_.out_channels, place.out[0], place.out[1]};
    if (x.Numel() < 0 || place.out[0] <= 0 || place.out[1] <= 0 || out.Numel() < 0) {
      return InvalidArgument("the input " + x.ToString() + " makes an output of " + out.ToString());
    }
    return place;
  }

  [[nodiscard]] SourceImage Image(const Place& place) const {
    return {
        .images = place.images, .h = place.in[0], .w = place.in[1], .channels = spec_.in_channels};
  }

  // What does not depend on one run's memory.
  [[nodiscard]] kernels::ConvRun Layer(const Place& place, const Phase& phase) const {
    const PhaseRange rows(phase.rows, spec_.stride[0], place.before[0], place.out[0]);
    const PhaseRange columns(phase.columns, spec_.stride[1], place.before[1], place.out[1]);
    const bool reached = phase.rows.taps * phase.columns.taps != 0;
    kernels::ConvRun conv;
    conv.kernel = phase.conv.kernel;
    conv.groups = phase.conv.groups;
    conv.zeros = zeros_.As();
    conv.epilogue = &epilogue_.epilogue;
    kernels::ConvGeometry& g = conv.geometry;
    g.in_h = place.in[0];
    g.in_w = place.in[1];
    g.pixel_bytes = spec_.in_channels * element_;
    g.out_h = rows.count;
    g.out_w = columns.count;
    g.taps_h = reached ? phase.rows.taps : 1;
    g.taps_w = reached ? phase.columns.taps : 1;
    g.dilation_h = phase.rows.dilation;
    g.dilation_w = phase.columns.dilation;
    g.pad_top = phase.rows.reach - rows.first_q;
    g.pad_left = phase.columns.reach - columns.first_q;
    return conv;
  }

  // Of one thread.
  [[nodiscard]] size_t RowBytes(const Place& place) const {
    size_t bytes = 0;
    for (const Phase& phase : phases_) {
      const kernels::ConvRun conv = Layer(place, phase);
      if (conv.geometry.out_w == 0) continue;
      bytes = std::max(bytes, kernels::ConvScratchBytes(conv, conv.geometry.out_w));
    }
    return (bytes + 63) / 64 * 64;
  }

  // One row of the output, counted through the images.
  void RunRow(const Place& place, const void* input, int64_t row, void* dst,
              std::byte* scratch) const {
    const int64_t image = row / place.out[0];
    const int64_t y = row % place.out[0];
    const int64_t pixel = spec_.out_channels * kernels::ElementBytes(epilogue_.epilogue.store);
    const int64_t first = (y + place.before[0]) % spec_.stride[0] * column_phases_;
    for (int64_t i = first; i < first + column_phases_; ++i) {
      const Phase& phase = phases_[static_cast<size_t>(i)];
      const PhaseRange rows(phase.rows, spec_.stride[0], place.before[0], place.out[0]);
      const PhaseRange columns(phase.columns, spec_.stride[1], place.before[1], place.out[1]);
      if (columns.count == 0) continue;
      kernels::ConvRun conv = Layer(place, phase);
      const int64_t line = image * rows.count + (y - rows.first) / spec_.stride[0];
      conv.input = input;
      conv.dst_begin = line * columns.count;
      conv.dst_stride = spec_.stride[1] * pixel;
      conv.dst = static_cast<std::byte*>(dst) + (row * place.out[1] + columns.first) * pixel;
      kernels::RunConvPart(conv, conv.dst_begin, conv.dst_begin + columns.count, 0,
                           conv.groups[0].panels, scratch);
    }
    if (over_rows_ == nullptr) return;
    const int64_t floats = place.out[1] * spec_.out_channels;
    auto* const line = static_cast<float*>(dst) + row * floats;
    over_rows_(line, line, floats, {});
  }

  Int8ConvTransposeSpec spec_;
  kernels::UnaryKernel over_rows_;  // null: the epilogue has the activation
  OwnedEpilogue epilogue_;
  int64_t column_phases_;
  std::vector<Phase> phases_;  // by residue of the row, then of the column
  int64_t element_;
  ConvSource source_;
  AlignedBuffer zeros_;
};

constexpr int64_t kMostPhases = 1024;  // each has weights of its own

Status CheckSpec(const Int8ConvTransposeSpec& s) {
  const int64_t taps = s.kernel[0] * s.kernel[1];
  const std::string extents = std::to_string(s.in_channels) + " x " +
                              std::to_string(s.out_channels) + " x " + std::to_string(s.kernel[0]) +
                              " x " + std::to_string(s.kernel[1]);
  if (s.in_channels < 1 || s.out_channels < 1 || s.kernel[0] < 1 || s.kernel[1] < 1 ||
      static_cast<int64_t>(s.filter.size()) != s.in_channels * s.out_channels * taps) {
    return InvalidArgument("the filter has " + std::to_string(s.filter.size()) +
                           " weights; its extents say " + extents);
  }
  for (size_t i = 0; i < 2; ++i) {
    if (s.stride[i] < 1 || s.dilation[i] < 1) {
      return InvalidArgument("a stride or dilation of less than 1");
    }
  }
  if (s.stride[0] > kMostPhases / s.stride[1]) {
    return Unsupported("a stride of " + std::to_string(s.stride[0]) + " x " +
                       std::to_string(s.stride[1]) + " in INT8");
  }
  const auto channels = static_cast<size_t>(s.out_channels);
  if ((s.filter_step.size() != 1 && s.filter_step.size() != channels) ||
      (!s.bias.empty() && s.bias.size() != channels)) {
    return InvalidArgument("the filter's scale or the bias is not one number per output channel");
  }
  SKIFF_RETURN_IF_ERROR(CheckGrid(s.input, "the input"));
  if (s.in_channels * taps > kernels::MaxConvDepth(s.input.max_code)) {
    return Unsupported("a filter of " + extents + " in INT8: its sums may overflow 32 bits");
  }
  if (taps > kernels::kMaxConvTaps) {
    return Unsupported("a filter of " + extents + " in INT8; at most " +
                       std::to_string(kernels::kMaxConvTaps) + " positions are possible");
  }
  return s.output_is_float ? OkStatus() : CheckGrid(s.output, "the output");
}

}  // namespace

Result<std::unique_ptr<Step>> MakeInt8ConvTranspose(const Int8ConvTransposeSpec& given, Isa isa) {
  SKIFF_RETURN_IF_ERROR(CheckSpec(given));
  Int8ConvTransposeSpec spec = given;
  if (spec.padding == PaddingRule::kSame) spec.dilation = {1, 1};
  const int64_t blocks = MergesColumns(spec) ? spec.stride[1] : 1;
  return std::unique_ptr<Step>(std::make_unique<Int8ConvTranspose>(spec, blocks, isa));
}

}  // namespace skiff::steps
