#include "steps/to_bfloat16.h"

#include "onednn/to_bfloat16.h"
#include "steps/onednn_state.h"

namespace skiff::steps {
namespace {

class ToBfloat16 : public Step {
 public:
  ToBfloat16(MemoryLayout from, MemoryLayout to) : from_(from), to_(to) {}

  [[nodiscard]] std::unique_ptr<StepState> NewState() const override {
    return std::make_unique<OnednnState>();
  }

  [[nodiscard]] Status Reshape(ShapeContext& shapes) const override {
    const Dims& in = shapes.in(0);
    if (from_ != to_ && in.rank() != 4) {
      return InvalidArgument("input is " + in.ToString() + ", 4 extents are wanted");
    }
    shapes.set_out(0, in);
    auto& state = static_cast<OnednnState&>(*shapes.state());
    shapes.set_workspace(0);
    if (in.Numel() == 0) {
      state.SelectNone();
      return OkStatus();
    }
    SKIFF_RETURN_IF_ERROR(state.Select({in, Dims{}}, [&] {
      return onednn::MakeToBfloat16(in, from_ == MemoryLayout::kNhwc, to_ == MemoryLayout::kNhwc,
                                    shapes.threads());
    }));
    shapes.set_workspace(state.current()->scratchpad_bytes());
    kernel_.Set(state.current()->kernel());
    return OkStatus();
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
    info.precision = "bf16";
    info.kernel = kernel_.Get();
    return info;
  }

  [[nodiscard]] bool ReadsPastEnd(int /*input*/) const override { return false; }

 private:
  MemoryLayout from_;
  MemoryLayout to_;
  mutable KernelName kernel_;
};

}  // namespace

std::unique_ptr<Step> MakeToBfloat16(MemoryLayout from, MemoryLayout to) {
  return std::make_unique<ToBfloat16>(from, to);
}

}  // namespace skiff::steps
