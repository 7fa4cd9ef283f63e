#include "steps/eltwise_unary.h"

#include "kernels/eltwise/eltwise_isa.h"
#include "steps/code_writer.h"
#include "steps/loop_nest.h"

namespace skiff::steps {
namespace {

class UnaryStep final : public Step {
 public:
  UnaryStep(Isa isa, kernels::UnaryOp op, kernels::UnaryParams params,
            const std::optional<CodeGrid>& codes)
      : kernel_(kernels::SelectUnary(isa, op)), op_(op), isa_(isa), params_(params) {
    if (codes) writer_.emplace(*codes, isa);
  }

  Status Reshape(ShapeContext& shapes) const override {
    shapes.set_out(0, shapes.in(0));
    return OkStatus();
  }

  Status Run(const RunContext& run) const noexcept override {
    const auto* src = run.in[0].As<const float>();
    const auto compute = [&](int64_t at, int64_t n, float* dst) {
      kernel_(dst, src + at, n, params_);
    };
    ParallelRanges(run.pool, run.in[0].dims.Numel(), kParallelGrain,
                   [&](int64_t begin, int64_t end) {
                     if (writer_) {
                       writer_->Write(begin, end, run.out[0].As<uint8_t>(), compute);
                     } else {
                       compute(begin, end - begin, run.out[0].As<float>() + begin);
                     }
                   });
    return OkStatus();
  }

  StepInfo Info() const override {
    return {.precision = "fp32",
            .kernel = kernels::EltwiseName(std::string("unary_") + kernels::Name(op_), isa_)};
  }
  int InPlaceInput() const override { return writer_ ? -1 : 0; }
  bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 private:
  kernels::UnaryKernel kernel_;
  kernels::UnaryOp op_;
  Isa isa_;
  kernels::UnaryParams params_;
  std::optional<CodeWriter> writer_;
};

}  // namespace

std::unique_ptr<Step> MakeUnaryStep(Isa isa, kernels::UnaryOp op, kernels::UnaryParams params,
                                    const std::optional<CodeGrid>& codes) {
  return std::make_unique<UnaryStep>(isa, op, params, codes);
}

}  // namespace skiff::steps
