// expand, expand_v2, expand_as_v2 and tile: arrays repeated along their axes.
#include <algorithm>

#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/strided_copy.h"

namespace skiff::ops {
std::span<const OpDef> expand_ops();
namespace {

using graph::Graph;
using graph::Node;
using steps::ShapeContext;

struct ExpandState final : steps::StepState {
  Dims x;        // extents of X, led by ones up to the result's rank
  Dims repeats;  // per axis
};

enum class Wants { kShape, kRepeats, kShapeOfInput };

class ExpandStep final : public steps::DataStep {
 public:
  ExpandStep(DType type, Wants wants, IntArgument argument)
      : DataStep(type, "expand"), wants_(wants), argument_(std::move(argument)) {}

  std::unique_ptr<steps::StepState> NewState() const override {
    return std::make_unique<ExpandState>();
  }

  Status Reshape(ShapeContext& shapes) const override {
    auto* state = static_cast<ExpandState*>(shapes.state());
    const Dims& x = shapes.in(0);
    std::vector<int64_t> wanted;
    if (wants_ == Wants::kShapeOfInput) {
      wanted.assign(shapes.in(1).span().begin(), shapes.in(1).span().end());
    } else {
      SKIFF_ASSIGN_OR_RETURN(wanted, argument_.Read(shapes));
    }
    const size_t x_rank = static_cast<size_t>(x.rank());
    // A list of repeats that is too short speaks of the last axes.
    if (wants_ == Wants::kRepeats && wanted.size() < x_rank) {
      wanted.insert(wanted.begin(), x_rank - wanted.size(), 1);
    }
    if (!Dims::Fits(wanted.size()) || wanted.size() < x_rank) return Fail(x, wanted);
    state->x = state->repeats = Dims();
    Dims out;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const size_t lead = wanted.size() - x_rank;
      const int64_t have = i < lead ? 1 : x[static_cast<int>(i - lead)];
      int64_t repeats = wanted[i];
      if (wants_ != Wants::kRepeats) {
        const bool kept = wanted[i] == have || (wanted[i] == -1 && i >= lead);
        if (!kept && have != 1) return Fail(x, wanted);
        repeats = kept ? 1 : wanted[i];
      }
      int64_t extent = 0;
      if (repeats < 0 || __builtin_mul_overflow(have, repeats, &extent)) return Fail(x, wanted);
      state->x.push_back(have);
      state->repeats.push_back(repeats);
      out.push_back(extent);
    }
    SKIFF_RETURN_IF_ERROR(CheckExtents(out));
    shapes.set_out(0, out);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const auto* state = static_cast<const ExpandState*>(run.state);
    if (run.out[0].dims.Numel() == 0) return OkStatus();
    steps::Strides src = steps::DenseStrides(state->x, false);
    const steps::Strides dst = steps::DenseStrides(run.out[0].dims, false);
    // Axes of one element are walked with stride 0; the others are copied once per repeat.
    Dims extents = state->x;
    int64_t copies = 1;
    for (int i = 0; i < extents.rank(); ++i) {
      if (extents[i] == 1) {
        extents[i] = state->repeats[i];
        src[static_cast<size_t>(i)] = 0;
      } else {
        copies *= state->repeats[i];
      }
    }
    for (int64_t copy = 0; copy < copies; ++copy) {
      int64_t index = copy;
      int64_t offset = 0;
      for (int i = extents.rank() - 1; i >= 0; --i) {
        if (state->x[i] == 1) continue;
        offset += index % state->repeats[i] * state->x[i] * dst[static_cast<size_t>(i)];
        index /= state->repeats[i];
      }
      auto* data =
          static_cast<std::byte*>(run.out[0].data) + offset * static_cast<int64_t>(element_size());
      steps::CopyView(run.pool, element_size(), extents, false, data, dst, run.in[0].data, src);
    }
    return OkStatus();
  }

 private:
  static Status Fail(const Dims& x, const std::vector<int64_t>& wanted) {
    std::string list;
    for (int64_t w : wanted) list += (list.empty() ? "" : ", ") + std::to_string(w);
    return InvalidArgument("an array of shape " + x.ToString() + " cannot be expanded by [" + list +
                           "]");
  }

  Wants wants_;
  IntArgument argument_;
};

struct Row {
  std::string_view name;
  Wants wants;
  std::string_view attribute;
  std::string_view tensor;
  std::string_view list;
};

constexpr Row kRows[] = {
    {"expand", Wants::kRepeats, "expand_times", "ExpandTimes", "expand_times_tensor"},
    {"expand_v2", Wants::kShape, "shape", "Shape", "expand_shapes_tensor"},
    {"expand_as_v2", Wants::kShape, "target_shape", "", ""},
    {"tile", Wants::kRepeats, "repeat_times", "RepeatTimes", "repeat_times_tensor"},
};

const Row& RowOf(const Node& node) {
  for (const Row& row : kRows) {
    if (row.name == node.type) return row;
  }
  __builtin_unreachable();
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, "X"));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, "X", "Out"));
  auto attributes = node.Attributes();
  attributes.Ints(RowOf(node).attribute, {});
  return attributes.status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  const Row& row = RowOf(node);
  Lowered lowered{nullptr, {node.In("X")}, {node.Out("Out")}};
  Wants wants = row.wants;
  IntArgument argument;
  std::vector<int64_t> attribute = node.Attributes().Ints(row.attribute, {});
  if (row.name == "expand_as_v2" && attribute.empty() && node.In("Y") != nullptr) {
    wants = Wants::kShapeOfInput;
    lowered.inputs.push_back(node.In("Y"));
  } else {
    argument = IntArgument::Bind(node, row.tensor, row.list, std::move(attribute), &lowered);
  }
  lowered.step = std::make_unique<ExpandStep>(node.In("X")->dtype, wants, std::move(argument));
  return lowered;
}

}  // namespace

std::span<const OpDef> expand_ops() {
  static const auto* ops = [] {
    auto* made = new std::vector<OpDef>;
    for (const Row& row : kRows) made->push_back({row.name, Check, Lower, LayoutRule::kPlain});
    return made;
  }();
  return *ops;
}

}  // namespace skiff::ops
