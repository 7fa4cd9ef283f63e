// arg_max and arg_min: where the greatest or least element stands, the first of equals.
#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> arg_max_ops();
namespace {

using graph::Graph;
using graph::Node;

struct ArgConfig {
  int64_t axis = -1;
  bool keeps_axis = false;
  bool flattens = false;
};

template <typename T, typename Index, bool greatest>
void Find(const void* x, void* out, int64_t begin, int64_t end, int64_t n, int64_t inner) {
  for (int64_t i = begin; i < end; ++i) {
    const T* column = static_cast<const T*>(x) + i / inner * n * inner + i % inner;
    int64_t best = 0;
    for (int64_t k = 1; k < n; ++k) {
      const T a = column[k * inner];
      const T b = column[best * inner];
      if (greatest ? a > b : a < b) best = k;
    }
    static_cast<Index*>(out)[i] = static_cast<Index>(best);
  }
}

using Kernel = void (*)(const void* x, void* out, int64_t begin, int64_t end, int64_t n,
                        int64_t inner);

template <typename T>
Kernel SelectOut(bool greatest, DType out) {
  if (out == DType::kInt32) return greatest ? Find<T, int32_t, true> : Find<T, int32_t, false>;
  return greatest ? Find<T, int64_t, true> : Find<T, int64_t, false>;
}

Kernel Select(bool greatest, DType in, DType out) {
  if (in == DType::kInt32) return SelectOut<int32_t>(greatest, out);
  if (in == DType::kInt64) return SelectOut<int64_t>(greatest, out);
  return SelectOut<float>(greatest, out);
}

class ArgStep final : public steps::DataStep {
 public:
  ArgStep(DType type, const ArgConfig& config, Kernel kernel)
      : DataStep(type, "arg_extreme"), config_(config), kernel_(kernel) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    int axis = 0;
    if (!config_.flattens && x.rank() > 0) {
      SKIFF_ASSIGN_OR_RETURN(axis, ResolveAxis(config_.axis, x));
    }
    if (x.Numel() == 0) return InvalidArgument("an empty array of shape " + x.ToString());
    Dims out;
    for (int i = 0; i < x.rank(); ++i) {
      const bool gone = config_.flattens || i == axis;
      if (!gone || config_.keeps_axis) out.push_back(gone ? 1 : x[i]);
    }
    shapes.set_out(0, out);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& x = run.in[0].dims;
    int64_t n = x.Numel();
    int64_t inner = 1;
    if (!config_.flattens && x.rank() > 0) {
      const auto axis = static_cast<int>(config_.axis < 0 ? config_.axis + x.rank() : config_.axis);
      n = x[axis];
      inner = x.Product(axis + 1, x.rank());
    }
    steps::ParallelRanges(run.pool, x.Numel() / n, steps::kParallelGrain / n,
                          [&](int64_t begin, int64_t end) {
                            kernel_(run.in[0].data, run.out[0].data, begin, end, n, inner);
                          });
    return OkStatus();
  }

 private:
  ArgConfig config_;
  Kernel kernel_;
};

Result<ArgConfig> Parse(const Node& node) {
  auto attributes = node.Attributes();
  ArgConfig config{.axis = attributes.Int("axis", -1),
                   .keeps_axis = attributes.Bool("keepdims", false),
                   .flattens = attributes.Bool("flatten", false)};
  SKIFF_RETURN_IF_ERROR(attributes.status());
  return config;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32, DType::kInt32, DType::kInt64}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "Out", {DType::kInt32, DType::kInt64}));
  return Parse(node).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const ArgConfig config, Parse(node));
  const DType out = node.Out("Out")->dtype;
  const Kernel kernel = Select(node.type == "arg_max", node.In("X")->dtype, out);
  return Lowered{std::make_unique<ArgStep>(out, config, kernel), {node.In("X")}, {node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> arg_max_ops() {
  static constexpr OpDef kOps[] = {
      {"arg_max", Check, Lower, LayoutRule::kPlain},
      {"arg_min", Check, Lower, LayoutRule::kPlain},
  };
  return kOps;
}

}  // namespace skiff::ops
