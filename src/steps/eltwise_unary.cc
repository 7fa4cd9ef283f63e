#include "steps/eltwise_unary.h"

#include "steps/loop_nest.h"

namespace skiff::steps {
namespace {

class UnaryStep final : public Step {
 public:
  UnaryStep(Isa isa, kernels::UnaryOp op, kernels::UnaryParams params)
      : kernel_(kernels::SelectUnary(isa, op)), op_(op), isa_(isa), params_(params) {}

  Status Reshape(ShapeContext& shapes) const override {
    shapes.set_out(0, shapes.in(0));
    return OkStatus();
  }

  Status Run(const RunContext& run) const noexcept override {
    const auto* src = run.in[0].As<const float>();
    auto* dst = run.out[0].As<float>();
    ParallelRanges(run.pool, run.in[0].dims.Numel(), kParallelGrain,
                   [&](int64_t begin, int64_t end) {
                     kernel_(dst + begin, src + begin, end - begin, params_);
                   });
    return OkStatus();
  }

  StepInfo Info() const override {
    return {
        .precision = "fp32",
        .kernel = std::string("unary_") + kernels::Name(op_) + "_" +
                  std::string(skiff::Name(Allows(isa_, Isa::kAvx2) ? Isa::kAvx2 : Isa::kScalar))};
  }
  int InPlaceInput() const override { return 0; }

 private:
  kernels::UnaryKernel kernel_;
  kernels::UnaryOp op_;
  Isa isa_;
  kernels::UnaryParams params_;
};

}  // namespace

std::unique_ptr<Step> MakeUnaryStep(Isa isa, kernels::UnaryOp op, kernels::UnaryParams params) {
  return std::make_unique<UnaryStep>(isa, op, params);
}

}  // namespace skiff::steps
