// concat joins arrays along an axis that they have, stack along a new one.
#include <algorithm>
#include <optional>

#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/strided_copy.h"

namespace skiff::ops {
std::span<const OpDef> concat_ops();
namespace {

using graph::Graph;
using graph::Node;
using steps::ShapeContext;

std::vector<const graph::Value*> Parts(const Node& node) {
  std::vector<const graph::Value*> parts;
  for (const graph::Edge& edge : node.inputs[static_cast<size_t>(node.SlotIndex("X"))].edges) {
    parts.push_back(edge.value);
  }
  return parts;
}

// Of four dimensions, NCHW.
bool IsChannels(int64_t axis) { return axis == 1 || axis == -3; }

struct ConcatState final : steps::StepState {
  int axis = 0;
};

class ConcatStep final : public steps::DataStep {
 public:
  // `given_axis`: where no tensor says it.
  ConcatStep(DType type, IntArgument axis, std::optional<int64_t> given_axis,
             std::vector<bool> nhwc_in, bool nhwc_out)
      : DataStep(type, "concat"),
        axis_(std::move(axis)),
        nhwc_in_(std::move(nhwc_in)),
        nhwc_out_(nhwc_out),
        joins_channels_(nhwc_out && IsChannels(given_axis.value_or(0)) &&
                        std::find(nhwc_in_.begin(), nhwc_in_.end(), false) == nhwc_in_.end()) {}

  std::unique_ptr<steps::StepState> NewState() const override {
    return std::make_unique<ConcatState>();
  }

  Status Reshape(ShapeContext& shapes) const override {
    SKIFF_ASSIGN_OR_RETURN(const std::vector<int64_t> wanted, axis_.Read(shapes));
    if (wanted.size() != 1) return InvalidArgument("axis of concat is not one number");
    Dims out = shapes.in(0);
    SKIFF_ASSIGN_OR_RETURN(const int axis, ResolveAxis(wanted[0], out));
    for (int k = 0; k < parts(); ++k) {
      const Dims& part = shapes.in(k);
      Dims same = part;
      if (part.rank() == out.rank()) same[axis] = out[axis];
      const bool lies = !nhwc_in_[static_cast<size_t>(k)] && !nhwc_out_;
      if (!(same == out) || (!lies && part.rank() != 4)) {
        return InvalidArgument("arrays of shapes " + shapes.in(0).ToString() + " and " +
                               part.ToString() + " cannot be joined along axis " +
                               std::to_string(axis));
      }
      if (k > 0 && __builtin_add_overflow(out[axis], part[axis], &out[axis])) {
        return InvalidArgument("the joined array is too large");
      }
    }
    SKIFF_RETURN_IF_ERROR(CheckExtents(out));
    static_cast<ConcatState*>(shapes.state())->axis = axis;
    shapes.set_out(0, out);
    PropagateInts(shapes);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const int axis = static_cast<const ConcatState*>(run.state)->axis;
    const steps::Strides dst = steps::DenseStrides(run.out[0].dims, nhwc_out_);
    int64_t offset = 0;
    for (int k = 0; k < parts(); ++k) {
      const steps::Tensor& part = run.in[static_cast<size_t>(k)];
      auto* data = static_cast<std::byte*>(run.out[0].data) +
                   offset * dst[static_cast<size_t>(axis)] * static_cast<int64_t>(element_size());
      if (part.pixel_stride == 0) {
        steps::CopyView(run.pool, element_size(), part.dims, nhwc_out_, data, dst, part.data,
                        steps::DenseStrides(part.dims, nhwc_in_[static_cast<size_t>(k)]));
      }
      offset += part.dims[axis];
    }
    return OkStatus();
  }
  bool SplitsByImage(const Dims& /*x*/) const override { return true; }
  bool JoinsChannels() const override { return joins_channels_; }

 private:
  [[nodiscard]] int parts() const { return static_cast<int>(nhwc_in_.size()); }

  void PropagateInts(ShapeContext& shapes) const {
    if (shapes.in(0).rank() != 1) return;
    steps::IntValues all;
    for (int k = 0; k < parts(); ++k) {
      const steps::IntValues* ints = shapes.ints(k);
      if (ints == nullptr || all.count + ints->count > steps::IntValues::kMax) return;
      for (int i = 0; i < ints->count; ++i) {
        all.v[static_cast<size_t>(all.count++)] = ints->v[static_cast<size_t>(i)];
      }
    }
    shapes.set_out_ints(0, all);
  }

  IntArgument axis_;
  std::vector<bool> nhwc_in_;
  bool nhwc_out_;
  bool joins_channels_;
};

class StackStep final : public steps::DataStep {
 public:
  StackStep(DType type, int64_t axis, int parts)
      : DataStep(type, "stack"), axis_(axis), parts_(parts) {}

  Status Reshape(ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    const int64_t axis = axis_ < 0 ? axis_ + x.rank() + 1 : axis_;
    if (axis < 0 || axis > x.rank() || x.rank() == Dims::kMaxRank) {
      return InvalidArgument("arrays of shape " + x.ToString() + " cannot be stacked along axis " +
                             std::to_string(axis_));
    }
    for (int k = 1; k < parts_; ++k) {
      if (!(shapes.in(k) == x)) {
        return InvalidArgument("arrays of shapes " + x.ToString() + " and " +
                               shapes.in(k).ToString() + " cannot be stacked");
      }
    }
    Dims out;
    for (int i = 0; i <= x.rank(); ++i) {
      if (i == axis) out.push_back(parts_);
      if (i < x.rank()) out.push_back(x[i]);
    }
    SKIFF_RETURN_IF_ERROR(CheckExtents(out));
    shapes.set_out(0, out);
    PropagateInts(shapes);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    const auto axis = static_cast<int>(axis_ < 0 ? axis_ + x.rank() + 1 : axis_);
    const int64_t inner = x.Product(axis, x.rank());
    const Dims view{x.Product(0, axis), inner};
    for (int k = 0; k < parts_; ++k) {
      auto* data = static_cast<std::byte*>(run.out[0].data) +
                   k * inner * static_cast<int64_t>(element_size());
      steps::CopyView(run.pool, element_size(), view, false, data, {parts_ * inner, 1},
                      run.in[static_cast<size_t>(k)].data, {inner, 1});
    }
    return OkStatus();
  }

 private:
  // Of scalars.
  void PropagateInts(ShapeContext& shapes) const {
    if (shapes.in(0).rank() != 0 || parts_ > steps::IntValues::kMax) return;
    steps::IntValues all{.count = parts_};
    for (int k = 0; k < parts_; ++k) {
      const steps::IntValues* ints = shapes.ints(k);
      if (ints == nullptr || ints->count != 1) return;
      all.v[static_cast<size_t>(k)] = ints->v[0];
    }
    shapes.set_out_ints(0, all);
  }

  int64_t axis_;
  int parts_;
};

Status Check(const Graph& /*graph*/, const Node& node) {
  const std::string_view out = node.type == "stack" ? "Y" : "Out";
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {out}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, "X"));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, "X", out));
  const std::vector<const graph::Value*> parts = Parts(node);
  for (const graph::Value* part : parts) {
    if (part->grid != parts[0]->grid) {
      return Unsupported("codes on different grids cannot be joined");
    }
  }
  auto attributes = node.Attributes();
  attributes.Int("axis", 0);
  return attributes.status();
}

Result<Lowered> LowerConcat(const LowerContext& context) {
  const Node& node = context.node;
  Lowered lowered{nullptr, Parts(node), {node.Out("Out")}};
  std::vector<bool> nhwc;
  for (const graph::Value* part : lowered.inputs) nhwc.push_back(IsNhwc(part));
  const int64_t attribute = node.Attributes().Int("axis", 0);
  IntArgument axis = IntArgument::Bind(node, "AxisTensor", "", {attribute}, &lowered);
  std::optional<int64_t> given;
  if (!axis.from_tensor()) given = attribute;
  lowered.step = std::make_unique<ConcatStep>(node.In("X")->dtype, std::move(axis), given,
                                              std::move(nhwc), IsNhwc(node.Out("Out")));
  return lowered;
}

Result<Lowered> LowerStack(const LowerContext& context) {
  const Node& node = context.node;
  Lowered lowered{nullptr, Parts(node), {node.Out("Y")}};
  lowered.step = std::make_unique<StackStep>(node.In("X")->dtype, node.Attributes().Int("axis", 0),
                                             static_cast<int>(lowered.inputs.size()));
  return lowered;
}

}  // namespace

std::span<const OpDef> concat_ops() {
  static constexpr OpDef kOps[] = {
      {"concat", Check, LowerConcat, LayoutRule::kFollow},
      {"stack", Check, LowerStack, LayoutRule::kPlain},
  };
  return kOps;
}

}  // namespace skiff::ops
