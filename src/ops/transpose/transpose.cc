// transpose and transpose2.
#include <array>

#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/strided_copy.h"

namespace skiff::ops {
std::span<const OpDef> transpose_ops();
namespace {

using graph::Graph;
using graph::Node;

class TransposeStep final : public steps::DataStep {
 public:
  TransposeStep(DType type, const Dims& axes) : DataStep(type, "transpose"), axes_(axes) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    if (x.rank() != axes_.rank()) {
      return InvalidArgument("axis " + axes_.ToString() + " of an array of shape " + x.ToString());
    }
    shapes.set_out(0, Permuted(x));
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    const Dims out = Permuted(x);
    const steps::Strides src = steps::DenseStrides(x, false);
    steps::Strides permuted{};
    for (int i = 0; i < axes_.rank(); ++i) {
      permuted[static_cast<size_t>(i)] = src[static_cast<size_t>(axes_[i])];
    }
    steps::CopyView(run.pool, element_size(), out, false, run.out[0].data,
                    steps::DenseStrides(out, false), run.in[0].data, permuted);
    return OkStatus();
  }
  bool SplitsByImage(const Dims& /*x*/) const override { return axes_[0] == 0; }

 private:
  [[nodiscard]] Dims Permuted(const Dims& x) const {
    Dims out;
    for (int i = 0; i < axes_.rank(); ++i) out.push_back(x[static_cast<int>(axes_[i])]);
    return out;
  }

  Dims axes_;  // a permutation
};

Result<Dims> Parse(const Node& node) {
  auto attributes = node.Attributes();
  const std::vector<int64_t> axis = attributes.Ints("axis", {});
  SKIFF_RETURN_IF_ERROR(attributes.status());
  SKIFF_ASSIGN_OR_RETURN(Dims axes, ToDims(axis));
  std::array<bool, Dims::kMaxRank> seen{};
  for (int i = 0; i < axes.rank(); ++i) {
    if (axes[i] < 0) axes[i] += axes.rank();
    if (axes[i] < 0 || axes[i] >= axes.rank() || seen[static_cast<size_t>(axes[i])]) {
      return InvalidArgument("axis " + Dims(axis).ToString() + " is no permutation");
    }
    seen[static_cast<size_t>(axes[i])] = true;
  }
  return axes;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, "X"));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, "X", "Out"));
  return Parse(node).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const Dims axes, Parse(node));
  return Lowered{std::make_unique<TransposeStep>(node.In("X")->dtype, axes),
                 {node.In("X")},
                 {node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> transpose_ops() {
  static constexpr OpDef kOps[] = {
      {"transpose", Check, Lower, LayoutRule::kPlain},
      {"transpose2", Check, Lower, LayoutRule::kPlain},
  };
  return kOps;
}

}  // namespace skiff::ops
