#include <utility>

#include "onednn/product.h"
#include "steps/onednn_product.h"
#include "steps/onednn_state.h"

namespace skiff::steps {
namespace {

class OnednnFc : public Step {
 public:
  explicit OnednnFc(FloatFcSpec spec)
      : spec_(std::move(spec)), weights_(spec_.weights, std::move(spec_.weights_owner)) {
    if (spec_.out_tail.empty()) spec_.out_tail.push_back(spec_.n);
  }

  [[nodiscard]] std::unique_ptr<StepState> NewState() const override {
    return std::make_unique<OnednnState>();
  }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    const Dims& in = shapes.in(0);
    const int split = RowAxes(in);
    if (split < 0 || split > in.rank() || in.Product(split, in.rank()) != spec_.k) {
      return InvalidArgument("input is " + in.ToString() + ", its extents from " +
                             std::to_string(split) + " on must make " + std::to_string(spec_.k));
    }
    if (!Dims::Fits(static_cast<size_t>(split) + spec_.out_tail.size())) {
      return Unsupported("output of more than " + std::to_string(Dims::kMaxRank) + " extents");
    }
    Dims out(in.span().first(static_cast<size_t>(split)));
    const int64_t rows = out.Numel();
    for (int64_t d : spec_.out_tail) out.push_back(d);
    if (out.Numel() < 0) return ResourceExhausted("output " + out.ToString() + " is too large");
    shapes.set_out(0, out);
    return Select(rows, shapes);
  }

  [[nodiscard]] Status Run(const RunContext& run) const noexcept override {
    onednn::Primitive* primitive = static_cast<OnednnState&>(*run.state).current();
    if (primitive == nullptr) return OkStatus();
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

  [[nodiscard]] int64_t MultiplyAdds(std::span<const Dims> /*in*/,
                                     std::span<const Dims> out) const override {
    return out[0].Numel() * spec_.k;
  }
  [[nodiscard]] size_t WeightBytes() const override {
    return static_cast<size_t>(spec_.k * spec_.n) * sizeof(float);
  }
  [[nodiscard]] bool SplitsByImage(const Dims& x) const override { return RowAxes(x) > 0; }

 private:
  // How many of the input's extents count its rows.
  [[nodiscard]] int RowAxes(const Dims& x) const {
    return spec_.in_num_col_dims < 0 ? x.rank() - 1 : spec_.in_num_col_dims;
  }

  Status Select(int64_t rows, ShapeContext& shapes) const {
    auto& state = static_cast<OnednnState&>(*shapes.state());
    if (rows == 0) {
      state.SelectNone();
      shapes.set_workspace(0);
      return OkStatus();
    }
    SKIFF_RETURN_IF_ERROR(state.Select({Dims{rows}, Dims{}}, [&] {
      const onednn::InnerProductSpec spec{
          spec_.k,          spec_.n,
          spec_.transposed, spec_.bias.empty() ? nullptr : spec_.bias.data(),
          spec_.epilogue,   spec_.storages};
      return onednn::MakeInnerProduct(spec, rows, weights_, shapes.threads());
    }));
    shapes.set_workspace(state.current()->scratchpad_bytes());
    kernel_.Set(state.current()->kernel());
    return OkStatus();
  }

  FloatFcSpec spec_;
  onednn::Weights weights_;
  mutable KernelName kernel_;
};

}  // namespace

std::unique_ptr<Step> MakeOnednnFc(FloatFcSpec spec) {
  return std::make_unique<OnednnFc>(std::move(spec));
}

}  // namespace skiff::steps
