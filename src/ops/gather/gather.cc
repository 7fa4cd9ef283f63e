// gather, index_select and embedding look-ups: slices of an array picked by a list of indices.
#include <cstring>

#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> gather_ops();
namespace {

using graph::Graph;
using graph::Node;
using steps::ShapeContext;

enum class IndexShape {
  kFlat,      // [n], [n, 1] or a scalar, which takes the axis away
  kAny,       // the index's axes take the place of the picked one
  kTrailing1  // as kAny, less the last axis, which has one element
};

struct GatherConfig {
  int64_t axis = 0;
  IndexShape index_shape = IndexShape::kFlat;
  DType index_type = DType::kInt64;
  int64_t padding = -1;  // this index gives zeros; -1: none does
};

class GatherStep final : public steps::DataStep {
 public:
  GatherStep(DType type, const GatherConfig& config) : DataStep(type, "gather"), config_(config) {}

  Status Reshape(ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    const Dims& index = shapes.in(1);
    SKIFF_ASSIGN_OR_RETURN(const int axis, ResolveAxis(config_.axis, x));
    SKIFF_ASSIGN_OR_RETURN(const Dims picked, Picked(index));
    if (x.rank() - 1 + picked.rank() > Dims::kMaxRank) {
      return Unsupported("an array of shape " + x.ToString() + " gathered by an index of shape " +
                         index.ToString());
    }
    Dims out;
    for (int i = 0; i < axis; ++i) out.push_back(x[i]);
    for (int i = 0; i < picked.rank(); ++i) out.push_back(picked[i]);
    for (int i = axis + 1; i < x.rank(); ++i) out.push_back(x[i]);
    SKIFF_RETURN_IF_ERROR(CheckExtents(out));
    shapes.set_out(0, out);
    PropagateInts(shapes);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    return config_.index_type == DType::kInt32 ? Gather<int32_t>(run) : Gather<int64_t>(run);
  }

 private:
  [[nodiscard]] Result<Dims> Picked(const Dims& index) const {
    const int rank = index.rank();
    switch (config_.index_shape) {
      case IndexShape::kAny: return index;
      case IndexShape::kTrailing1:
        if (rank > 0 && index[rank - 1] == 1) return Dims(index.span().first(rank - 1));
        break;
      case IndexShape::kFlat:
        if (rank <= 1) return index;
        if (rank == 2 && index[1] == 1) return Dims{index[0]};
        break;
    }
    return InvalidArgument("an index of shape " + index.ToString());
  }

  template <typename T>
  Status Gather(const steps::RunContext& run) const noexcept {
    const Dims& x = run.in[0].dims;
    const auto axis = static_cast<int>(config_.axis < 0 ? config_.axis + x.rank() : config_.axis);
    const int64_t outer = x.Product(0, axis);
    const int64_t extent = x[axis];
    const int64_t count = run.in[1].dims.Numel();
    const T* index = run.in[1].As<const T>();
    for (int64_t i = 0; i < count; ++i) {
      if (index[i] < 0 || index[i] >= extent) {
        return InvalidArgument("index " + std::to_string(index[i]) + " into an axis of " +
                               std::to_string(extent) + " elements");
      }
    }
    const size_t bytes = static_cast<size_t>(x.Product(axis + 1, x.rank())) * element_size();
    const auto* src = static_cast<const std::byte*>(run.in[0].data);
    auto* dst = static_cast<std::byte*>(run.out[0].data);
    steps::ParallelRanges(
        run.pool, outer * count, 1 + steps::kParallelGrain / static_cast<int64_t>(bytes + 1),
        [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            std::byte* to = dst + static_cast<size_t>(i) * bytes;
            const int64_t at = index[i % count];
            if (at == config_.padding) {  // never where it is -1
              std::memset(to, 0, bytes);
            } else {
              std::memcpy(to, src + static_cast<size_t>(i / count * extent + at) * bytes, bytes);
            }
          }
        });
    return OkStatus();
  }

  void PropagateInts(ShapeContext& shapes) const {
    const steps::IntValues* x = shapes.ints(0);
    const steps::IntValues* index = shapes.ints(1);
    if (x == nullptr || index == nullptr || shapes.in(0).rank() != 1) return;
    steps::IntValues out{.count = index->count};
    for (int i = 0; i < index->count; ++i) {
      const int64_t at = index->v[static_cast<size_t>(i)];
      if (at < 0 || at >= x->count) return;  // Run reports it
      out.v[static_cast<size_t>(i)] = x->v[static_cast<size_t>(at)];
    }
    shapes.set_out_ints(0, out);
  }

  GatherConfig config_;
};

struct Row {
  std::string_view name;
  std::string_view data;
  std::string_view index;
  IndexShape index_shape;
};

constexpr Row kRows[] = {
    {"gather", "X", "Index", IndexShape::kFlat},
    {"index_select", "X", "Index", IndexShape::kFlat},
    {"lookup_table", "W", "Ids", IndexShape::kTrailing1},
    {"lookup_table_v2", "W", "Ids", IndexShape::kAny},
};

const Row& RowOf(const Node& node) {
  for (const Row& row : kRows) {
    if (row.name == node.type) return row;
  }
  __builtin_unreachable();
}

Result<GatherConfig> Parse(const Node& node) {
  const Row& row = RowOf(node);
  auto attributes = node.Attributes();
  GatherConfig config;
  config.index_shape = row.index_shape;
  config.index_type = node.In(row.index)->dtype;
  if (row.name == "gather") {
    config.axis = attributes.Int("axis", 0);
    if (const graph::Value* axis = node.In("Axis")) {
      const auto given = ConstantInts(axis);
      if (!given || given->size() != 1) return Unsupported("slot Axis is not a constant");
      config.axis = (*given)[0];
    }
  } else if (row.name == "index_select") {
    config.axis = attributes.Int("dim", 0);
  } else {
    config.padding = attributes.Int("padding_idx", -1);
  }
  SKIFF_RETURN_IF_ERROR(attributes.status());
  return config;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  const Row& row = RowOf(node);
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {row.data, row.index}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, row.data));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, row.data, "Out"));
  SKIFF_RETURN_IF_ERROR(RequireType(node, row.index, {DType::kInt32, DType::kInt64}));
  return Parse(node).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  const Row& row = RowOf(node);
  SKIFF_ASSIGN_OR_RETURN(const GatherConfig config, Parse(node));
  return Lowered{std::make_unique<GatherStep>(node.In(row.data)->dtype, config),
                 {node.In(row.data), node.In(row.index)},
                 {node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> gather_ops() {
  static const auto* ops = [] {
    auto* made = new std::vector<OpDef>;
    for (const Row& row : kRows) made->push_back({row.name, Check, Lower, LayoutRule::kPlain});
    return made;
  }();
  return *ops;
}

}  // namespace skiff::ops
