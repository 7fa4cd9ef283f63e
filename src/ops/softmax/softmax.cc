// softmax and log_softmax along any axis.
#include "kernels/eltwise/softmax.h"

#include <algorithm>

#include "kernels/eltwise/eltwise_isa.h"
#include "ops/op_support.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> softmax_ops();
namespace {

using graph::Graph;
using graph::Node;

// Columns that are worked on together: as many as keep their slice of the array in the first cache.
constexpr int64_t kColumns = 256;

class SoftmaxStep final : public steps::Step {
 public:
  SoftmaxStep(Isa isa, int64_t axis, bool log, bool nhwc)
      : rows_(kernels::SelectSoftmaxRows(isa)),
        columns_(kernels::SelectSoftmaxColumns(isa)),
        isa_(isa),
        axis_(axis),
        log_(log),
        nhwc_(nhwc) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    if (x.rank() > 0) SKIFF_RETURN_IF_ERROR(ResolveAxis(axis_, x).status());
    if (nhwc_ && x.rank() != 4) {
      return InvalidArgument("an array of shape " + x.ToString() + " should have four axes");
    }
    shapes.set_out(0, x);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& dims = run.in[0].dims;
    const auto* src = run.in[0].As<const float>();
    auto* dst = run.out[0].As<float>();
    if (dims.Numel() == 0) return OkStatus();
    const View view = ViewOf(dims);
    if (view.inner == 1) {
      steps::ParallelRanges(run.pool, view.outer, steps::kParallelGrain / (8 * view.n),
                            [&](int64_t begin, int64_t end) {
                              rows_(dst + begin * view.n, src + begin * view.n, end - begin, view.n,
                                    log_);
                            });
      return OkStatus();
    }
    const int64_t blocks = (view.inner + kColumns - 1) / kColumns;
    run.pool->ParallelFor(view.outer * blocks, [&](int64_t i) {
      const int64_t first = i % blocks * kColumns;
      const int64_t offset = i / blocks * view.n * view.inner + first;
      alignas(64) float scratch[kScratch];
      columns_(dst + offset, src + offset, view.n, view.inner,
               std::min(kColumns, view.inner - first), scratch, log_);
    });
    return OkStatus();
  }

  steps::StepInfo Info() const override {
    return {.precision = "fp32", .kernel = kernels::EltwiseName("softmax", isa_)};
  }
  int InPlaceInput() const override { return 0; }
  bool SplitsByImage(const Dims& x) const override {
    const int64_t axis = axis_ < 0 ? axis_ + x.rank() : axis_;
    return axis != 0;
  }

 private:
  static constexpr int64_t kScratch = 2 * kColumns;

  struct View {
    int64_t outer = 1;
    int64_t n = 1;
    int64_t inner = 1;
  };

  // In memory order. REQUIRES: Reshape accepted dims.
  View ViewOf(const Dims& dims) const {
    if (dims.rank() == 0) return {};
    int axis = static_cast<int>(axis_ < 0 ? axis_ + dims.rank() : axis_);
    Dims memory = dims;
    if (nhwc_) {
      static constexpr int kPosition[] = {0, 3, 1, 2};
      memory = Dims{dims[0], dims[2], dims[3], dims[1]};
      axis = kPosition[axis];
    }
    return {memory.Product(0, axis), memory[axis], memory.Product(axis + 1, memory.rank())};
  }

  kernels::SoftmaxRowsKernel rows_;
  kernels::SoftmaxColumnsKernel columns_;
  Isa isa_;
  int64_t axis_;
  bool log_;
  bool nhwc_;
};

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "Out", {DType::kFloat32}));
  auto attributes = node.Attributes();
  attributes.Int("axis", -1);
  return attributes.status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  return Lowered{std::make_unique<SoftmaxStep>(context.isa, node.Attributes().Int("axis", -1),
                                               node.type == "log_softmax", IsNhwc(node.In("X"))),
                 {node.In("X")},
                 {node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> softmax_ops() {
  static constexpr OpDef kOps[] = {
      {"softmax", Check, Lower, LayoutRule::kFollow},
      {"log_softmax", Check, Lower, LayoutRule::kFollow},
  };
  return kOps;
}

}  // namespace skiff::ops
