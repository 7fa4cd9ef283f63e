// split cuts an array along an axis; unstack takes the axis away as well.
#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/strided_copy.h"

namespace skiff::ops {
std::span<const OpDef> split_ops();
namespace {

using graph::Graph;
using graph::Node;
using steps::ShapeContext;

std::vector<const graph::Value*> Parts(const Node& node, std::string_view slot) {
  for (const graph::OutSlot& s : node.outputs) {
    if (s.name == slot) return {s.values.begin(), s.values.end()};
  }
  return {};
}

struct SplitState final : steps::StepState {
  int axis = 0;
  std::vector<int64_t> sections;
};

struct SplitConfig {
  IntArgument axis;
  IntArgument sections;  // empty: equal parts
  size_t parts = 0;
  bool drops_axis = false;
  bool nhwc = false;
};

class SplitStep final : public steps::DataStep {
 public:
  SplitStep(DType type, SplitConfig config) : DataStep(type, "split"), config_(std::move(config)) {}

  std::unique_ptr<steps::StepState> NewState() const override {
    return std::make_unique<SplitState>();
  }

  Status Reshape(ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    auto* state = static_cast<SplitState*>(shapes.state());
    SKIFF_ASSIGN_OR_RETURN(const std::vector<int64_t> axis, config_.axis.Read(shapes));
    if (axis.size() != 1) return InvalidArgument("axis of split is not one number");
    SKIFF_ASSIGN_OR_RETURN(state->axis, ResolveAxis(axis[0], x));
    if (config_.nhwc && x.rank() != 4) {
      return InvalidArgument("an array of shape " + x.ToString() + " should have four axes");
    }
    SKIFF_ASSIGN_OR_RETURN(state->sections, config_.sections.Read(shapes));
    SKIFF_RETURN_IF_ERROR(ResolveSections(x[state->axis], &state->sections));
    for (size_t k = 0; k < config_.parts; ++k) {
      Dims part;
      for (int i = 0; i < x.rank(); ++i) {
        if (i != state->axis) {
          part.push_back(x[i]);
        } else if (!config_.drops_axis) {
          part.push_back(state->sections[k]);
        }
      }
      shapes.set_out(static_cast<int>(k), part);
    }
    PropagateInts(*state, shapes);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const auto* state = static_cast<const SplitState*>(run.state);
    const Dims& x = run.in[0].dims;
    const steps::Strides src = steps::DenseStrides(x, config_.nhwc);
    int64_t offset = 0;
    for (size_t k = 0; k < config_.parts; ++k) {
      Dims part = x;
      part[state->axis] = state->sections[k];
      const auto* data =
          static_cast<const std::byte*>(run.in[0].data) +
          offset * src[static_cast<size_t>(state->axis)] * static_cast<int64_t>(element_size());
      steps::CopyView(run.pool, element_size(), part, config_.nhwc, run.out[k].data,
                      steps::DenseStrides(part, config_.nhwc), data, src);
      offset += state->sections[k];
    }
    return OkStatus();
  }
  bool SplitsByImage(const Dims& /*x*/) const override { return !config_.drops_axis; }

 private:
  // Fills in equal parts or the one section of -1. They must cover the axis.
  Status ResolveSections(int64_t extent, std::vector<int64_t>* sections) const {
    const auto parts = static_cast<int64_t>(config_.parts);
    if (sections->empty() && extent % parts == 0) {
      sections->assign(config_.parts, extent / parts);
    }
    int64_t sum = 0;
    int64_t* free_section = nullptr;
    bool legal = sections->size() == config_.parts;
    for (int64_t& section : *sections) {
      if (section == -1 && free_section == nullptr) {
        free_section = &section;
      } else {
        legal = legal && section >= 0 && !__builtin_add_overflow(sum, section, &sum);
      }
    }
    if (legal && free_section != nullptr && sum <= extent) {
      *free_section = extent - sum;
      sum = extent;
    }
    if (!legal || sum != extent) {
      return InvalidArgument("an axis of " + std::to_string(extent) + " elements cannot be split " +
                             "into " + std::to_string(parts) + " parts as asked");
    }
    return OkStatus();
  }

  void PropagateInts(const SplitState& state, ShapeContext& shapes) const {
    const steps::IntValues* ints = shapes.ints(0);
    if (ints == nullptr || shapes.in(0).rank() != 1 || ints->count != shapes.in(0)[0]) return;
    size_t at = 0;
    for (size_t k = 0; k < config_.parts; ++k) {
      steps::IntValues part{.count = static_cast<int>(state.sections[k])};
      for (size_t i = 0; i < static_cast<size_t>(part.count); ++i) part.v[i] = ints->v[at++];
      shapes.set_out_ints(static_cast<int>(k), part);
    }
  }

  SplitConfig config_;
};

Result<SplitConfig> Parse(const Node& node, Lowered* lowered) {
  auto attributes = node.Attributes();
  const int64_t axis = attributes.Int("axis", 0);
  const int64_t num = attributes.Int("num", 0);
  std::vector<int64_t> sections = attributes.Ints("sections", {});
  SKIFF_RETURN_IF_ERROR(attributes.status());
  SplitConfig config;
  config.drops_axis = node.type == "unstack";
  config.parts = Parts(node, config.drops_axis ? "Y" : "Out").size();
  config.nhwc = IsNhwc(node.In("X"));
  if (num > 0) sections.clear();
  if (num > 0 && static_cast<size_t>(num) != config.parts) {
    return InvalidArgument("num is " + std::to_string(num) + " but there are " +
                           std::to_string(config.parts) + " outputs");
  }
  config.axis = IntArgument::Bind(node, "AxisTensor", "", {axis}, lowered);
  config.sections = num > 0 || config.drops_axis
                        ? IntArgument()
                        : IntArgument::Bind(node, "", "SectionsTensorList", sections, lowered);
  return config;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  const std::string_view out = node.type == "unstack" ? "Y" : "Out";
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {out}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, "X"));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, "X", out));
  Lowered unused;
  return Parse(node, &unused).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  Lowered lowered{nullptr, {node.In("X")}, {}};
  SKIFF_ASSIGN_OR_RETURN(SplitConfig config, Parse(node, &lowered));
  lowered.outputs = Parts(node, config.drops_axis ? "Y" : "Out");
  lowered.step = std::make_unique<SplitStep>(node.In("X")->dtype, std::move(config));
  return lowered;
}

}  // namespace

std::span<const OpDef> split_ops() {
  static constexpr OpDef kOps[] = {
      {"split", Check, Lower, LayoutRule::kFollow},
      {"unstack", Check, Lower, LayoutRule::kPlain},
  };
  return kOps;
}

}  // namespace skiff::ops
