#include <algorithm>
#include <utility>
#include <vector>

#include "steps/int8_conv_steps.h"
#include "steps/int8_source.h"

namespace skiff::steps {
namespace {

using kernels::ConvInput;
using kernels::ConvKernel;

// A float input is written to a padded scratch picture anyway; with the padding there, the pixels
// under one kernel row are one run of inputs, and few channels (a picture's 3) cost no more than
// they are.
bool ReadsWholeRows(const Int8ConvSpec& spec, const ConvWindow& window) {
  return spec.input_is_float && spec.groups == 1 && window.horizontal.dilation == 1;
}

std::vector<kernels::ConvFilter> FiltersOf(const Int8ConvSpec& spec, bool whole_rows) {
  const int64_t depth = spec.in_channels / spec.groups;
  const int64_t taps = spec.kernel_h * spec.kernel_w;
  kernels::ConvFilter filter;
  filter.out_channels = spec.out_channels / spec.groups;
  filter.taps = whole_rows ? spec.kernel_h : taps;
  filter.stride_tap = whole_rows ? spec.kernel_w : 1;
  filter.outer_depth = whole_rows ? spec.kernel_w : 1;
  filter.stride_outer = 1;
  filter.inner_depth = depth;
  filter.stride_inner = taps;
  filter.stride_o = depth * taps;
  std::vector<kernels::ConvFilter> filters;
  for (int64_t g = 0; g < spec.groups; ++g) {
    filter.data = spec.filter.data() + g * filter.out_channels * filter.stride_o;
    filters.push_back(filter);
  }
  return filters;
}

// A pre-added pair of steps saves one multiply of four. A fix-up costs two, and as much again for
// its start: on Zen 3 20 cycles where a pair saves 4.
bool PreAddPays(const kernels::PackedConv& packed) {
  const int64_t pairs = packed.panels * packed.taps * (packed.steps / 2);
  return 5 * static_cast<int64_t>(packed.pairs.fixups.size()) <= pairs;
}

void Pack(const ConvKernel& kernel, std::span<const kernels::ConvFilter> filters,
          ChosenConv* chosen) {
  chosen->kernel = &kernel;
  chosen->groups.clear();
  for (const kernels::ConvFilter& filter : filters) {
    chosen->groups.push_back(kernels::PackConv(kernel, filter));
  }
}

// What the speed of one layer's kernels depends on, but for the extents of a run: weights are
// packed before those are known.
std::string LayerName(const Int8ConvSpec& s) {
  std::string name = s.input_is_float ? "conv_int8_float" : "conv_int8";
  for (const int64_t v :
       {s.in_channels, s.out_channels, s.groups, s.kernel_h, s.kernel_w, s.stride_h, s.stride_w,
        s.dilation_h, s.dilation_w, int64_t{s.input.is_unsigned}, int64_t{s.input.max_code},
        static_cast<int64_t>(s.residual), int64_t{s.output_is_float}}) {
    name += "_" + std::to_string(v);
  }
  return name;
}

// Of all groups.
int64_t PanelsOf(const kernels::ConvRun& run) {
  return run.groups[0].panels * static_cast<int64_t>(run.groups.size());
}

class GeneralConv final : public KernelStep {
 public:
  GeneralConv(const Int8ConvSpec& spec, const ConvWindow& window, OwnedEpilogue epilogue,
              ChosenConv chosen, Isa isa)
      : KernelStep(chosen.kernel->name, window.multiply_adds_per_output,
                   std::move(chosen.candidates)),
        window_(window),
        epilogue_(std::move(epilogue)),
        kernel_(chosen.kernel),
        whole_rows_(ReadsWholeRows(spec, window)),
        groups_(std::move(chosen.groups)),
        element_(kernels::ElementBytes(kernel_->input)),
        group_bytes_(spec.in_channels / spec.groups * element_),
        source_(spec.input, spec.input_is_float, spec.input_is_nchw,
                kernel_->input == ConvInput::kS16, isa),
        zeros_(static_cast<size_t>(spec.in_channels * element_)) {
    zeros_.Zero();
  }

  [[nodiscard]] const void* FirstWeights() const override { return groups_[0].weights.As(); }
  void SetNextWeights(const void* weights) override { next_weights_ = weights; }
  [[nodiscard]] size_t WeightBytes() const override { return PackedBytes(groups_); }
  [[nodiscard]] bool WritesStrided() const override { return true; }
  [[nodiscard]] bool SplitsByImage(const Dims& /*x*/) const override { return true; }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    ConvPlace place;
    SKIFF_RETURN_IF_ERROR(window_.Reshape(shapes, &place));
    shapes.set_workspace(WorkspaceBytes(place, shapes.threads()));
    return OkStatus();
  }

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    const Result<ConvPlace> placed = window_.Place(run.in[0].dims);
    if (!placed.ok()) return placed.status();
    kernels::ConvRun conv = Begin(*placed, run.in[0].data, run.workspace, run.pool);
    PointAtOutput(run.out[0], &conv);
    if (window_.has_residual) conv.residual = run.in[1].data;
    RunConvOnPool(conv, placed->positions(), run.workspace, run.pool);
    return OkStatus();
  }

  [[nodiscard]] const ConvWindow& window() const { return window_; }
  [[nodiscard]] const kernels::Epilogue& epilogue() const { return epilogue_.epilogue; }
  [[nodiscard]] int64_t weights() const {
    return window_.out_channels * window_.multiply_adds_per_output;
  }

  // A multiple of 64: what each thread needs for its rows, and then the codes of the input.
  [[nodiscard]] size_t WorkspaceBytes(const ConvPlace& place, int threads) const {
    const size_t codes = source_.WorkspaceBytes(Image(place));
    return ScratchBytes(place, threads) + (codes + 63) / 64 * 64;
  }

  void PointAtOutput(const Tensor& out, kernels::ConvRun* run) const {
    run->dst = out.data;
    run->dst_stride = out.PixelStride() * kernels::ElementBytes(epilogue_.epilogue.store);
  }

  // Brings the input into its form; the run lacks its residual, and writes dense rows to a dst that
  // it lacks too.
  [[nodiscard]] kernels::ConvRun Begin(const ConvPlace& place, const void* input,
                                       std::byte* workspace, ThreadPool* pool) const {
    const kernels::Epilogue& e = epilogue_.epilogue;
    kernels::ConvRun conv = Layer(place);
    std::byte* const codes = workspace + ScratchBytes(place, pool->threads());
    conv.input = source_.Prepare(Image(place), input, codes, pool);
    conv.zeros = zeros_.As();
    conv.epilogue = &e;
    conv.dst_stride = window_.out_channels * kernels::ElementBytes(e.store);
    conv.residual_stride = window_.out_channels * kernels::ElementBytes(e.residual);
    return conv;
  }

  // Of one thread.
  [[nodiscard]] size_t RowBytes(const ConvPlace& place) const {
    return kernels::ConvScratchBytes(Layer(place), place.positions());
  }

 private:
  [[nodiscard]] SourceImage Image(const ConvPlace& place) const {
    SourceImage image = {
        .images = place.images, .h = place.in_h, .w = place.in_w, .channels = window_.in_channels};
    if (whole_rows_) {
      image.top = place.rows.before;
      image.bottom = place.rows.after;
      image.left = place.columns.before;
      image.right = place.columns.after;
    }
    return image;
  }

  [[nodiscard]] kernels::ConvGeometry Geometry(const ConvPlace& place) const {
    const SourceImage image = Image(place);
    kernels::ConvGeometry g;
    g.in_h = image.padded_h();
    g.in_w = image.padded_w();
    g.pixel_bytes = window_.in_channels * element_;
    g.out_h = place.out_h;
    g.out_w = place.out_w;
    g.taps_h = window_.kernel_h;
    g.taps_w = whole_rows_ ? 1 : window_.kernel_w;
    g.stride_h = window_.stride_h;
    g.stride_w = window_.stride_w;
    g.dilation_h = place.rows.dilation;
    g.dilation_w = place.columns.dilation;
    g.pad_top = whole_rows_ ? 0 : place.rows.before;
    g.pad_left = whole_rows_ ? 0 : place.columns.before;
    return g;
  }

  // What does not depend on one run's memory.
  [[nodiscard]] kernels::ConvRun Layer(const ConvPlace& place) const {
    kernels::ConvRun conv;
    conv.kernel = kernel_;
    conv.geometry = Geometry(place);
    conv.groups = groups_;
    conv.group_bytes = group_bytes_;
    conv.next_weights = next_weights_;
    return conv;
  }

  [[nodiscard]] size_t ScratchBytes(const ConvPlace& place, int threads) const {
    return RowBytes(place) * static_cast<size_t>(threads);
  }

  ConvWindow window_;
  OwnedEpilogue epilogue_;
  const ConvKernel* kernel_;
  bool whole_rows_;
  std::vector<kernels::PackedConv> groups_;
  int64_t element_;
  int64_t group_bytes_;
  ConvSource source_;
  AlignedBuffer zeros_;
  const void* next_weights_ = nullptr;
};

// See FuseAddend.
class ConvWithAddend final : public Step {
 public:
  // Both have weights that stay in L2 beside the floats of some positions.
  static constexpr int64_t kMostWeights = int64_t{256} << 10;

  ConvWithAddend(std::unique_ptr<GeneralConv> addend, std::unique_ptr<GeneralConv> sum)
      : addend_(std::move(addend)), sum_(std::move(sum)) {}

  [[nodiscard]] StepInfo Info() const override { return sum_->Info(); }
  [[nodiscard]] KernelCandidates Candidates(std::span<const Dims> in, std::span<const Dims> out,
                                            int threads) const override {
    return sum_->Candidates(in, out, threads);
  }
  [[nodiscard]] int64_t MultiplyAdds(std::span<const Dims> in,
                                     std::span<const Dims> out) const override {
    return addend_->MultiplyAdds(in, out) + sum_->MultiplyAdds(in, out);
  }
  [[nodiscard]] const void* FirstWeights() const override { return addend_->FirstWeights(); }
  [[nodiscard]] bool WritesStrided() const override { return true; }
  [[nodiscard]] size_t WeightBytes() const override {
    return addend_->WeightBytes() + sum_->WeightBytes();
  }
  [[nodiscard]] bool SplitsByImage(const Dims& /*x*/) const override { return true; }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    SKIFF_ASSIGN_OR_RETURN(const ConvPlace to, sum_->window().Place(shapes.in(0)));
    SKIFF_ASSIGN_OR_RETURN(const ConvPlace from, addend_->window().Place(shapes.in(1)));
    const Dims out = {to.images, sum_->window().out_channels, to.out_h, to.out_w};
    const Dims added = {from.images, out[1], from.out_h, from.out_w};
    if (!(added == out)) {
      return InvalidArgument("the residual " + added.ToString() + " is added to an output of " +
                             out.ToString());
    }
    shapes.set_out(0, out);
    shapes.set_workspace(FloatBytes() * static_cast<size_t>(shapes.threads()) +
                         addend_->WorkspaceBytes(from, shapes.threads()) +
                         sum_->WorkspaceBytes(to, shapes.threads()));
    return OkStatus();
  }

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    const Result<ConvPlace> to = sum_->window().Place(run.in[0].dims);
    if (!to.ok()) return to.status();
    const Result<ConvPlace> from = addend_->window().Place(run.in[1].dims);
    if (!from.ok()) return from.status();
    const int threads = run.pool->threads();
    std::byte* const addend_space = run.workspace + FloatBytes() * static_cast<size_t>(threads);
    std::byte* const sum_space = addend_space + addend_->WorkspaceBytes(*from, threads);
    const kernels::ConvRun addend = addend_->Begin(*from, run.in[1].data, addend_space, run.pool);
    kernels::ConvRun sum = sum_->Begin(*to, run.in[0].data, sum_space, run.pool);
    sum_->PointAtOutput(run.out[0], &sum);
    const int64_t positions = to->positions();
    const int64_t blocks = (positions + kBlock - 1) / kBlock;
    run.pool->ParallelFor(blocks, [&](int64_t block, int thread) {
      const auto t = static_cast<size_t>(thread);
      const int64_t begin = block * kBlock;
      const int64_t end = std::min(begin + kBlock, positions);
      RunBlock(addend, sum, begin, end, run.workspace + t * FloatBytes(),
               addend_space + t * addend_->RowBytes(*from), sum_space + t * sum_->RowBytes(*to));
    });
    return OkStatus();
  }

 private:
  static constexpr int64_t kBlock = 96;  // whole tiles of every kernel

  [[nodiscard]] size_t FloatBytes() const {
    const auto floats = static_cast<size_t>(kBlock * sum_->window().out_channels);
    return floats * sizeof(float) + kBufferSlack;
  }

  static void RunBlock(kernels::ConvRun addend, kernels::ConvRun sum, int64_t begin, int64_t end,
                       std::byte* floats, std::byte* addend_rows, std::byte* sum_rows) {
    addend.dst = floats;
    sum.residual = floats;
    addend.dst_begin = sum.residual_begin = begin;
    kernels::RunConvPart(addend, begin, end, 0, PanelsOf(addend), addend_rows);
    kernels::RunConvPart(sum, begin, end, 0, PanelsOf(sum), sum_rows);
  }

  std::unique_ptr<GeneralConv> addend_;
  std::unique_ptr<GeneralConv> sum_;
};

}  // namespace

std::unique_ptr<Step> FuseAddend(std::unique_ptr<Step>* addend, std::unique_ptr<Step>* sum) {
  const auto* from = dynamic_cast<const GeneralConv*>(addend->get());
  const auto* to = dynamic_cast<const GeneralConv*>(sum->get());
  if (from == nullptr || to == nullptr) return nullptr;
  const bool fits = from->epilogue().store == kernels::StoreType::kF32 &&
                    !from->window().has_residual &&
                    to->epilogue().residual == kernels::ResidualType::kF32 &&
                    from->window().out_channels == to->window().out_channels;
  if (!fits || from->weights() + to->weights() > ConvWithAddend::kMostWeights) return nullptr;
  const auto take = [](std::unique_ptr<Step>* step) {
    return std::unique_ptr<GeneralConv>(static_cast<GeneralConv*>(step->release()));
  };
  return std::make_unique<ConvWithAddend>(take(addend), take(sum));
}

size_t PackedBytes(std::span<const kernels::PackedConv> groups) {
  size_t bytes = 0;
  for (const kernels::PackedConv& group : groups) bytes += group.weights.size();
  return bytes;
}

ChosenConv ChooseConv(const CodeGrid& input, std::span<const kernels::ConvFilter> filters, Isa isa,
                      std::string layer, const KernelChoices* choices) {
  kernels::ConvNeed need;
  need.is_unsigned = input.is_unsigned;
  need.max_code = input.max_code;
  need.tap_depth = filters[0].outer_depth * filters[0].inner_depth;
  const std::vector<const ConvKernel*> kernels = kernels::FindConvKernels(need, isa);
  ChosenConv chosen;
  chosen.candidates.layer = std::move(layer);
  const std::string_view wanted =
      choices == nullptr ? std::string_view() : choices->Find(chosen.candidates.layer);
  const auto named = std::find_if(kernels.begin(), kernels.end(),
                                  [&](const ConvKernel* kernel) { return kernel->name == wanted; });
  if (named != kernels.end()) {
    Pack(**named, filters, &chosen);
  } else {
    for (const ConvKernel* kernel : kernels) {
      Pack(*kernel, filters, &chosen);
      const bool pays = std::all_of(chosen.groups.begin(), chosen.groups.end(), PreAddPays);
      if (!kernel->pre_add || pays) break;
    }
  }
  chosen.candidates.kernels.emplace_back(chosen.kernel->name);
  for (const ConvKernel* kernel : kernels) {
    if (kernel != chosen.kernel) chosen.candidates.kernels.emplace_back(kernel->name);
  }
  return chosen;
}

void RunConvOnPool(const kernels::ConvRun& run, int64_t positions, std::byte* scratch,
                   ThreadPool* pool) {
  const int64_t panels = PanelsOf(run);
  if (positions == 0) return;
  if (pool->threads() == 1) {
    kernels::RunConvPart(run, 0, positions, 0, panels, scratch);
    return;
  }
  // A few parts per thread even out what the threads are given. Positions are split first: parts of
  // the same positions would each work out where their inputs lie. Where they would each gather
  // them, panels are split no further than to keep the threads busy.
  constexpr int64_t kPartsPerThread = 4;
  constexpr int64_t kLeastPositions = 24;
  const int64_t threads = pool->threads();
  const int64_t position_parts =
      std::clamp<int64_t>(positions / kLeastPositions, 1, threads * kPartsPerThread);
  const int64_t wanted = kernels::GathersRows(run) ? threads : threads * kPartsPerThread;
  const int64_t panel_parts =
      std::clamp<int64_t>((wanted + position_parts - 1) / position_parts, 1, panels);
  const int64_t parts = position_parts * panel_parts;
  const size_t scratch_bytes = kernels::ConvScratchBytes(run, positions);
  pool->ParallelFor(parts, [&](int64_t i, int thread) {
    const int64_t p = i / panel_parts;
    const int64_t q = i % panel_parts;
    kernels::RunConvPart(run, positions * p / position_parts, positions * (p + 1) / position_parts,
                         panels * q / panel_parts, panels * (q + 1) / panel_parts,
                         scratch + static_cast<size_t>(thread) * scratch_bytes);
  });
}

Result<std::unique_ptr<Step>> MakeGeneralConv(const Int8ConvSpec& spec, const ConvWindow& window,
                                              OwnedEpilogue epilogue, Isa isa) {
  ChosenConv chosen = ChooseConv(spec.input, FiltersOf(spec, ReadsWholeRows(spec, window)), isa,
                                 LayerName(spec), spec.choices);
  return std::unique_ptr<Step>(
      std::make_unique<GeneralConv>(spec, window, std::move(epilogue), std::move(chosen), isa));
}

}  // namespace skiff::steps
