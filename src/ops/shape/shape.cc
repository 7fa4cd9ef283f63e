// shape: the extents of an array, as a small integer tensor that the shape program knows.
#include "ops/op_support.h"
#include "steps/data_step.h"

namespace skiff::ops {
std::span<const OpDef> shape_ops();
namespace {

using graph::Graph;
using graph::Node;

class ShapeStep final : public steps::DataStep {
 public:
  explicit ShapeStep(DType type) : DataStep(type, "shape") {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    shapes.set_out(0, Dims{x.rank()});
    steps::IntValues ints{.count = x.rank()};
    for (int i = 0; i < x.rank(); ++i) ints.v[static_cast<size_t>(i)] = x[i];
    shapes.set_out_ints(0, ints);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    for (int i = 0; i < x.rank(); ++i) {
      if (type() == DType::kInt32) {
        run.out[0].As<int32_t>()[i] = static_cast<int32_t>(x[i]);
      } else {
        run.out[0].As<int64_t>()[i] = x[i];
      }
    }
    return OkStatus();
  }
};

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"Input"}, {"Out"}));
  return RequireType(node, "Out", {DType::kInt32, DType::kInt64});
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  return Lowered{
      std::make_unique<ShapeStep>(node.Out("Out")->dtype), {node.In("Input")}, {node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> shape_ops() {
  static constexpr OpDef kOps[] = {{"shape", Check, Lower, LayoutRule::kFollow}};
  return kOps;
}

}  // namespace skiff::ops
