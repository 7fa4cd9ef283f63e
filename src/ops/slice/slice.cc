// slice and strided_slice: a part of an array, by offset and stride along some axes.
#include <algorithm>

#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/strided_copy.h"

namespace skiff::ops {
std::span<const OpDef> slice_ops();
namespace {

using graph::Graph;
using graph::Node;
using steps::ShapeContext;

// What is taken along one axis.
struct Range {
  int64_t start = 0;
  int64_t stride = 1;
  int64_t count = 0;
};

// Python's rules but for one: with a negative stride an end before the axis means index 0, which is
// then left out (Paddle 2.6.2).
Range Clamp(int64_t start, int64_t end, int64_t stride, int64_t n) {
  const auto from_front = [n](int64_t i) { return i < 0 ? i + n : i; };
  // Longer strides than any axis take one element, like the axis' own length.
  stride = std::clamp(stride, -std::max<int64_t>(n, 1), std::max<int64_t>(n, 1));
  Range range{.start = 0, .stride = stride, .count = 0};
  if (stride > 0) {
    range.start = std::clamp<int64_t>(from_front(start), 0, n);
    const int64_t stop = std::clamp<int64_t>(from_front(end), 0, n);
    range.count = std::max<int64_t>(0, (stop - range.start + stride - 1) / stride);
  } else {
    range.start = std::clamp<int64_t>(from_front(start), 0, std::max<int64_t>(n - 1, 0));
    const int64_t stop = std::clamp<int64_t>(from_front(end), 0, n);
    range.count = std::max<int64_t>(0, (range.start - stop - stride - 1) / -stride);
  }
  return range;
}

struct SliceState final : steps::StepState {
  Dims taken;  // extents before axes are dropped
  Dims start;
  Dims stride;
};

struct SliceArguments {
  std::vector<int64_t> axes;
  std::vector<int64_t> dropped;  // decrease_axis
  IntArgument starts;
  IntArgument ends;
  IntArgument strides;
  bool strided = false;
};

class SliceStep final : public steps::DataStep {
 public:
  SliceStep(DType type, SliceArguments arguments, bool nhwc_in, bool nhwc_out)
      : DataStep(type, "slice"),
        arguments_(std::move(arguments)),
        nhwc_in_(nhwc_in),
        nhwc_out_(nhwc_out) {}

  std::unique_ptr<steps::StepState> NewState() const override {
    return std::make_unique<SliceState>();
  }

  Status Reshape(ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    auto* state = static_cast<SliceState*>(shapes.state());
    SKIFF_RETURN_IF_ERROR(Resolve(shapes, state));
    Dims out;
    for (int i = 0; i < x.rank(); ++i) {
      bool drop = false;
      for (int64_t axis : arguments_.dropped) drop |= axis == i || axis + x.rank() == i;
      if (drop && state->taken[i] != 1) {
        return InvalidArgument("decrease_axis " + std::to_string(i) + " has " +
                               std::to_string(state->taken[i]) + " elements");
      }
      if (!drop) out.push_back(state->taken[i]);
    }
    if ((nhwc_in_ && x.rank() != 4) || (nhwc_out_ && out.rank() != 4)) {
      return InvalidArgument("an array of shape " + x.ToString() + " should have four axes");
    }
    shapes.set_out(0, out);
    const steps::IntValues* ints = shapes.ints(0);
    if (ints != nullptr && x.rank() == 1 && ints->count == x[0]) {
      steps::IntValues part{.count = static_cast<int>(state->taken[0])};
      for (int i = 0; i < part.count; ++i) {
        part.v[static_cast<size_t>(i)] =
            ints->v[static_cast<size_t>(state->start[0] + i * state->stride[0])];
      }
      shapes.set_out_ints(0, part);
    }
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const auto* state = static_cast<const SliceState*>(run.state);
    const Dims& x = run.in[0].dims;
    steps::Strides src = steps::DenseStrides(x, nhwc_in_);
    int64_t offset = 0;
    for (int i = 0; i < x.rank(); ++i) {
      offset += state->start[i] * src[static_cast<size_t>(i)];
      src[static_cast<size_t>(i)] *= state->stride[i];
    }
    const auto* data = static_cast<const std::byte*>(run.in[0].data) +
                       offset * static_cast<int64_t>(element_size());
    // Dropped axes have one element: the result is dense over the taken extents too.
    steps::CopyView(run.pool, element_size(), state->taken, nhwc_out_, run.out[0].data,
                    steps::DenseStrides(state->taken, nhwc_out_), data, src);
    return OkStatus();
  }

 private:
  Status Resolve(const ShapeContext& shapes, SliceState* state) const {
    const Dims& x = shapes.in(0);
    SKIFF_ASSIGN_OR_RETURN(const std::vector<int64_t> starts, arguments_.starts.Read(shapes));
    SKIFF_ASSIGN_OR_RETURN(const std::vector<int64_t> ends, arguments_.ends.Read(shapes));
    std::vector<int64_t> strides(arguments_.axes.size(), 1);
    if (arguments_.strided) {
      SKIFF_ASSIGN_OR_RETURN(strides, arguments_.strides.Read(shapes));
    }
    const size_t n = arguments_.axes.size();
    if (starts.size() != n || ends.size() != n || strides.size() != n) {
      return InvalidArgument("axes, starts, ends and strides are not of one length");
    }
    state->taken = x;
    state->start = state->stride = Dims();
    for (int i = 0; i < x.rank(); ++i) {
      state->start.push_back(0);
      state->stride.push_back(1);
    }
    for (size_t k = 0; k < n; ++k) {
      SKIFF_ASSIGN_OR_RETURN(const int axis, ResolveAxis(arguments_.axes[k], x));
      if (strides[k] == 0) return InvalidArgument("a slice with stride 0");
      const Range range = Clamp(starts[k], ends[k], strides[k], x[axis]);
      if (range.count == 0) {
        return InvalidArgument("the slice " + std::to_string(starts[k]) + ":" +
                               std::to_string(ends[k]) + " of axis " + std::to_string(axis) +
                               " of an array of shape " + x.ToString() + " is empty");
      }
      state->taken[axis] = range.count;
      state->start[axis] = range.start;
      state->stride[axis] = range.stride;
    }
    return OkStatus();
  }

  SliceArguments arguments_;
  bool nhwc_in_;
  bool nhwc_out_;
};

Result<SliceArguments> Parse(const Node& node, Lowered* lowered) {
  auto attributes = node.Attributes();
  SliceArguments arguments;
  arguments.strided = node.type == "strided_slice";
  arguments.axes = attributes.Ints("axes", {});
  arguments.dropped = attributes.Ints("decrease_axis", {});
  auto starts = attributes.Ints("starts", {});
  auto ends = attributes.Ints("ends", {});
  auto strides = attributes.Ints("strides", {});
  SKIFF_RETURN_IF_ERROR(attributes.status());
  arguments.starts =
      IntArgument::Bind(node, "StartsTensor", "StartsTensorList", std::move(starts), lowered);
  arguments.ends =
      IntArgument::Bind(node, "EndsTensor", "EndsTensorList", std::move(ends), lowered);
  if (arguments.strided) {
    arguments.strides =
        IntArgument::Bind(node, "StridesTensor", "StridesTensorList", std::move(strides), lowered);
  }
  return arguments;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"Input"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, "Input"));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, "Input", "Out"));
  Lowered unused;
  return Parse(node, &unused).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  const graph::Value* x = node.In("Input");
  const graph::Value* out = node.Out("Out");
  Lowered lowered{nullptr, {x}, {out}};
  SKIFF_ASSIGN_OR_RETURN(SliceArguments arguments, Parse(node, &lowered));
  lowered.step =
      std::make_unique<SliceStep>(x->dtype, std::move(arguments), IsNhwc(x), IsNhwc(out));
  return lowered;
}

// An axis less would leave an array that has no layout of its own.
bool KeepsAxes(const Node& node) { return node.Attributes().Ints("decrease_axis", {}).empty(); }

}  // namespace

std::span<const OpDef> slice_ops() {
  static constexpr OpDef kOps[] = {
      {"slice", Check, Lower, LayoutRule::kFollow, KeepsAxes},
      {"strided_slice", Check, Lower, LayoutRule::kFollow, KeepsAxes},
  };
  return kOps;
}

}  // namespace skiff::ops
