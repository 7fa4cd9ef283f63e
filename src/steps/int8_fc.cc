#include "steps/int8_fc.h"

#include <string>
#include <utility>
#include <vector>

#include "kernels/conv/conv.h"
#include "steps/int8_conv_steps.h"
#include "steps/int8_source.h"

namespace skiff::steps {
namespace {

using kernels::ConvInput;
using kernels::ConvKernel;

// A fully connected layer is a pointwise convolution over the rows of its input.
class Int8Fc final : public KernelStep {
 public:
  Int8Fc(const Int8FcSpec& spec, OwnedEpilogue epilogue, ChosenConv chosen, Isa isa)
      : KernelStep(chosen.kernel->name, spec.k, std::move(chosen.candidates)),
        k_(spec.k),
        n_(spec.n),
        in_num_col_dims_(spec.in_num_col_dims),
        epilogue_(std::move(epilogue)),
        kernel_(chosen.kernel),
        packed_(std::move(chosen.groups)),
        source_(spec.input, false, false, kernel_->input == ConvInput::kS16, isa) {}

  [[nodiscard]] const void* FirstWeights() const override { return packed_[0].weights.As(); }
  void SetNextWeights(const void* weights) override { next_weights_ = weights; }
  [[nodiscard]] size_t WeightBytes() const override { return PackedBytes(packed_); }
  [[nodiscard]] bool SplitsByImage(const Dims& x) const override { return RowAxes(x) > 0; }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    const int split = RowAxes(x);
    if (split < 0 || split >= x.rank() || x.Product(split, x.rank()) != k_) {
      return InvalidArgument("the input " + x.ToString() + ", taken as rows from dimension " +
                             std::to_string(split) + " on, does not fit weights of " +
                             std::to_string(k_) + " x " + std::to_string(n_));
    }
    Dims out;
    for (int i = 0; i < split; ++i) out.push_back(x[i]);
    out.push_back(n_);
    if (x.Numel() < 0 || out.Numel() < 0) {
      return InvalidArgument("the input " + x.ToString() + " has no valid extents");
    }
    shapes.set_out(0, out);
    shapes.set_workspace(source_.WorkspaceBytes(Rows(x.Product(0, split))));
    return OkStatus();
  }

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    const int64_t rows = run.out[0].dims.Numel() / n_;
    const kernels::Epilogue& e = epilogue_.epilogue;
    kernels::ConvRun conv;
    conv.kernel = kernel_;
    conv.geometry.in_h = conv.geometry.out_h = 1;
    conv.geometry.in_w = conv.geometry.out_w = rows;
    conv.geometry.pixel_bytes = k_ * kernels::ElementBytes(kernel_->input);
    conv.groups = packed_;
    conv.input = source_.Prepare(Rows(rows), run.in[0].data, run.workspace, run.pool);
    conv.zeros = conv.input;  // there is no padding
    conv.epilogue = &e;
    conv.dst = run.out[0].data;
    conv.dst_stride = n_ * kernels::ElementBytes(e.store);
    conv.next_weights = next_weights_;
    RunConvOnPool(conv, rows, nullptr, run.pool);  // its rows lie where kernels want them
    return OkStatus();
  }

 private:
  // How many of the input's extents count its rows.
  [[nodiscard]] int RowAxes(const Dims& x) const {
    return in_num_col_dims_ < 0 ? x.rank() - 1 : in_num_col_dims_;
  }
  [[nodiscard]] SourceImage Rows(int64_t rows) const {
    return {.images = 1, .h = rows, .w = 1, .channels = k_};
  }

  int64_t k_;
  int64_t n_;
  int in_num_col_dims_;
  OwnedEpilogue epilogue_;
  const ConvKernel* kernel_;
  std::vector<kernels::PackedConv> packed_;
  ConvSource source_;
  const void* next_weights_ = nullptr;
};

Status CheckSpec(const Int8FcSpec& s) {
  const std::string extents = std::to_string(s.k) + " x " + std::to_string(s.n);
  if (s.k < 1 || s.n < 1 || s.weights.size() != static_cast<size_t>(s.k * s.n)) {
    return InvalidArgument("the weights have " + std::to_string(s.weights.size()) +
                           " elements; their extents say " + extents);
  }
  if (s.weight_step.size() != 1 && s.weight_step.size() != static_cast<size_t>(s.n)) {
    return InvalidArgument("the weights' scale has " + std::to_string(s.weight_step.size()) +
                           " elements for weights of " + extents);
  }
  if (!s.bias.empty() && s.bias.size() != static_cast<size_t>(s.n)) {
    return InvalidArgument("the bias has " + std::to_string(s.bias.size()) +
                           " elements for weights of " + extents);
  }
  SKIFF_RETURN_IF_ERROR(CheckGrid(s.input, "the input"));
  if (s.k > kernels::MaxConvDepth(s.input.max_code)) {
    return Unsupported("weights of " + extents + " in INT8: their sums may overflow 32 bits");
  }
  return s.output_is_float ? OkStatus() : CheckGrid(s.output, "the output");
}

}  // namespace

Result<std::unique_ptr<Step>> MakeInt8Fc(const Int8FcSpec& spec, Isa isa) {
  SKIFF_RETURN_IF_ERROR(CheckSpec(spec));
  EpilogueSpec e;
  e.channels = spec.n;
  e.max_sum = MaxSum(spec.input, spec.k);
  e.input_step = spec.input.step;
  e.weight_step = spec.weight_step;
  e.bias = spec.bias;
  e.activation = spec.activation;
  e.output_is_float = spec.output_is_float;
  e.output = spec.output;
  const kernels::ConvFilter filter = {.data = spec.weights.data(),
                                      .out_channels = spec.n,
                                      .inner_depth = spec.k,
                                      .stride_o = 1,
                                      .stride_inner = spec.n};
  const std::string layer = "fc_int8_" + std::to_string(spec.k) + "_" + std::to_string(spec.n) +
                            "_" + std::to_string(int{spec.input.is_unsigned}) + "_" +
                            std::to_string(spec.input.max_code);
  ChosenConv chosen = ChooseConv(spec.input, {&filter, 1}, isa, layer, spec.choices);
  return std::unique_ptr<Step>(
      std::make_unique<Int8Fc>(spec, MakeEpilogue(e), std::move(chosen), isa));
}

}  // namespace skiff::steps
