// sum: several arrays of one shape, added from first to last.
#include <cstring>

#include "kernels/eltwise/binary.h"
#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> sum_ops();
namespace {

using graph::Graph;
using graph::Node;

class SumStep final : public steps::DataStep {
 public:
  SumStep(Isa isa, DType type, int parts)
      : DataStep(type, "sum"),
        add_(kernels::SelectBinary(isa, kernels::BinaryOp::kAdd, type)),
        parts_(parts) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    for (int k = 1; k < parts_; ++k) {
      if (!(shapes.in(k) == shapes.in(0))) {
        return InvalidArgument("arrays of shapes " + shapes.in(0).ToString() + " and " +
                               shapes.in(k).ToString() + " cannot be summed");
      }
    }
    shapes.set_out(0, shapes.in(0));
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    steps::ParallelRanges(
        run.pool, run.in[0].dims.Numel(), steps::kParallelGrain, [&](int64_t begin, int64_t end) {
          const auto at = [&](const steps::Tensor& t) {
            return static_cast<std::byte*>(t.data) + static_cast<size_t>(begin) * element_size();
          };
          std::byte* dst = at(run.out[0]);
          const kernels::BinaryRows row{.rows = 1, .cols = end - begin, .a_col = 1, .b_col = 1};
          std::memcpy(dst, at(run.in[0]), static_cast<size_t>(end - begin) * element_size());
          for (int k = 1; k < parts_; ++k) add_(dst, dst, at(run.in[static_cast<size_t>(k)]), row);
        });
    return OkStatus();
  }
  bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 private:
  kernels::BinaryKernel add_;
  int parts_;
};

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32, DType::kInt32, DType::kInt64}));
  return RequireSameType(node, "X", "Out");
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  Lowered lowered{nullptr, {}, {node.Out("Out")}};
  for (const graph::Edge& edge : node.inputs[static_cast<size_t>(node.SlotIndex("X"))].edges) {
    lowered.inputs.push_back(edge.value);
  }
  lowered.step = std::make_unique<SumStep>(context.isa, node.In("X")->dtype,
                                           static_cast<int>(lowered.inputs.size()));
  return lowered;
}

}  // namespace

std::span<const OpDef> sum_ops() {
  static constexpr OpDef kOps[] = {{"sum", Check, Lower, LayoutRule::kFollow}};
  return kOps;
}

}  // namespace skiff::ops
