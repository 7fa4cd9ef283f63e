// Operators that only rename the axes of an array: reshape, flatten, squeeze, unsqueeze. Their
// steps share the memory of their input.
#include <array>

#include "ops/op_support.h"
#include "steps/alias.h"

namespace skiff::ops {
std::span<const OpDef> reshape_ops();
namespace {

using graph::Graph;
using graph::Node;
using steps::ShapeContext;
using steps::ShapeRule;

// 0 copies X's extent, one -1 takes what is left.
Result<Dims> ReshapedTo(const Dims& x, const std::vector<int64_t>& wanted) {
  SKIFF_ASSIGN_OR_RETURN(Dims out, ToDims(wanted));
  int free_axis = -1;
  for (int i = 0; i < out.rank(); ++i) {
    if (out[i] == 0) {
      if (i >= x.rank()) {
        return InvalidArgument("shape " + out.ToString() + " copies axis " + std::to_string(i) +
                               " of an array of shape " + x.ToString());
      }
      out[i] = x[i];
    } else if (out[i] == -1 && free_axis < 0) {
      free_axis = i;
    } else if (out[i] < 0) {
      return InvalidArgument("shape " + out.ToString());
    }
  }
  if (free_axis < 0) return out;
  out[free_axis] = 1;
  const int64_t known = out.Numel();
  const int64_t have = x.Numel();
  if (known <= 0 || have < 0 || have % known != 0) {
    return InvalidArgument("an array of shape " + x.ToString() + " does not fill the shape " +
                           Dims(wanted).ToString());
  }
  out[free_axis] = have / known;
  return out;
}

Result<ShapeRule> MakeReshape(const Node& node, Lowered* lowered) {
  auto attributes = node.Attributes();
  std::vector<int64_t> shape = attributes.Ints("shape", {});
  SKIFF_RETURN_IF_ERROR(attributes.status());
  const auto argument = IntArgument::Bind(node, "Shape", "ShapeTensor", std::move(shape), lowered);
  return ShapeRule([argument](const ShapeContext& shapes) -> Result<Dims> {
    SKIFF_ASSIGN_OR_RETURN(const std::vector<int64_t> wanted, argument.Read(shapes));
    return ReshapedTo(shapes.in(0), wanted);
  });
}

Result<ShapeRule> MakeFlatten2d(const Node& node, Lowered* /*lowered*/) {
  auto attributes = node.Attributes();
  const int64_t axis = attributes.Int("axis", 1);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  return ShapeRule([axis](const ShapeContext& shapes) -> Result<Dims> {
    const Dims& x = shapes.in(0);
    const int64_t at = axis < 0 ? axis + x.rank() : axis;
    if (at < 0 || at > x.rank()) {
      return InvalidArgument("axis " + std::to_string(axis) + " of an array of shape " +
                             x.ToString());
    }
    const auto split = static_cast<int>(at);
    return Dims{x.Product(0, split), x.Product(split, x.rank())};
  });
}

Result<ShapeRule> MakeFlattenRange(const Node& node, Lowered* /*lowered*/) {
  auto attributes = node.Attributes();
  const int64_t start = attributes.Int("start_axis", 1);
  const int64_t stop = attributes.Int("stop_axis", -1);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  return ShapeRule([start, stop](const ShapeContext& shapes) -> Result<Dims> {
    const Dims& x = shapes.in(0);
    if (x.rank() == 0) return Dims{1};
    SKIFF_ASSIGN_OR_RETURN(const int first, ResolveAxis(start, x));
    SKIFF_ASSIGN_OR_RETURN(const int last, ResolveAxis(stop, x));
    if (first > last) {
      return InvalidArgument("start_axis " + std::to_string(start) + " lies behind stop_axis " +
                             std::to_string(stop));
    }
    Dims out;
    for (int i = 0; i < first; ++i) out.push_back(x[i]);
    out.push_back(x.Product(first, last + 1));
    for (int i = last + 1; i < x.rank(); ++i) out.push_back(x[i]);
    return out;
  });
}

Result<ShapeRule> MakeSqueeze(const Node& node, Lowered* /*lowered*/) {
  auto attributes = node.Attributes();
  const std::vector<int64_t> axes = attributes.Ints("axes", {});
  SKIFF_RETURN_IF_ERROR(attributes.status());
  return ShapeRule([axes](const ShapeContext& shapes) -> Result<Dims> {
    const Dims& x = shapes.in(0);
    std::array<bool, Dims::kMaxRank> dropped{};
    for (int i = 0; i < x.rank(); ++i) dropped[static_cast<size_t>(i)] = axes.empty();
    for (int64_t axis : axes) {
      SKIFF_ASSIGN_OR_RETURN(const int i, ResolveAxis(axis, x));
      dropped[static_cast<size_t>(i)] = true;
    }
    Dims out;
    for (int i = 0; i < x.rank(); ++i) {
      // A listed axis that has more than one element stays, as in Paddle.
      if (!dropped[static_cast<size_t>(i)] || x[i] != 1) out.push_back(x[i]);
    }
    return out;
  });
}

Result<ShapeRule> MakeUnsqueeze(const Node& node, Lowered* lowered) {
  auto attributes = node.Attributes();
  std::vector<int64_t> axes = attributes.Ints("axes", {});
  SKIFF_RETURN_IF_ERROR(attributes.status());
  const auto argument =
      IntArgument::Bind(node, "AxesTensor", "AxesTensorList", std::move(axes), lowered);
  return ShapeRule([argument](const ShapeContext& shapes) -> Result<Dims> {
    SKIFF_ASSIGN_OR_RETURN(const std::vector<int64_t> places, argument.Read(shapes));
    std::vector<int64_t> out(shapes.in(0).span().begin(), shapes.in(0).span().end());
    // One after the other, each counted in the array that the ones before it made.
    for (int64_t place : places) {
      const auto rank = static_cast<int64_t>(out.size());
      const int64_t at = place < 0 ? place + rank + 1 : place;
      if (at < 0 || at > rank) {
        return InvalidArgument("axis " + std::to_string(place) + " cannot be inserted into shape " +
                               shapes.in(0).ToString());
      }
      out.insert(out.begin() + at, 1);
    }
    return ToDims(out);
  });
}

struct Row {
  std::string_view name;
  Result<ShapeRule> (*make)(const Node& node, Lowered* lowered);
};

constexpr Row kRows[] = {
    {"reshape", MakeReshape},
    {"reshape2", MakeReshape},
    {"flatten", MakeFlatten2d},
    {"flatten2", MakeFlatten2d},
    {"flatten_contiguous_range", MakeFlattenRange},
    {"squeeze", MakeSqueeze},
    {"squeeze2", MakeSqueeze},
    {"unsqueeze", MakeUnsqueeze},
    {"unsqueeze2", MakeUnsqueeze},
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
  Lowered unused;
  return RowOf(node).make(node, &unused).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  Lowered lowered{nullptr, {node.In("X")}, {node.Out("Out")}};
  SKIFF_ASSIGN_OR_RETURN(ShapeRule rule, RowOf(node).make(node, &lowered));
  lowered.step = steps::MakeAliasStep(node.In("X")->dtype, std::move(rule));
  return lowered;
}

}  // namespace

std::span<const OpDef> reshape_ops() {
  static const auto* ops = [] {
    auto* made = new std::vector<OpDef>;
    for (const Row& row : kRows) made->push_back({row.name, Check, Lower, LayoutRule::kPlain});
    return made;
  }();
  return *ops;
}

}  // namespace skiff::ops
