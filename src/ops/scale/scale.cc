// scale: x * s + b or (x + b) * s.
#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/eltwise_unary.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> scale_ops();
namespace {

using graph::Graph;
using graph::Node;

struct Scale {
  float scale = 1;
  float bias = 0;
  bool bias_after = true;
};

// Integers take both numbers truncated and wrap around.
template <typename T>
class IntScaleStep final : public steps::DataStep {
 public:
  IntScaleStep(DType type, const Scale& s)
      : DataStep(type, "scale"),
        scale_(static_cast<uint64_t>(static_cast<int64_t>(s.scale))),
        bias_(static_cast<uint64_t>(static_cast<int64_t>(s.bias))),
        bias_after_(s.bias_after) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    shapes.set_out(0, shapes.in(0));
    if (const steps::IntValues* ints = shapes.ints(0)) {
      steps::IntValues out = *ints;
      for (int64_t& v : out.v) v = Apply(static_cast<T>(v));
      shapes.set_out_ints(0, out);
    }
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const T* src = run.in[0].As<const T>();
    T* dst = run.out[0].As<T>();
    const int64_t n = run.in[0].dims.Numel();
    for (int64_t i = 0; i < n; ++i) dst[i] = Apply(src[i]);
    return OkStatus();
  }
  int InPlaceInput() const override { return 0; }

 private:
  [[nodiscard]] T Apply(T x) const {
    const auto v = static_cast<uint64_t>(static_cast<int64_t>(x));
    return static_cast<T>(bias_after_ ? v * scale_ + bias_ : (v + bias_) * scale_);
  }

  uint64_t scale_;
  uint64_t bias_;
  bool bias_after_;
};

Result<Scale> Parse(const Node& node) {
  auto attributes = node.Attributes();
  Scale s{attributes.Float("scale", 1.0F), attributes.Float("bias", 0.0F),
          attributes.Bool("bias_after_scale", true)};
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (const graph::Value* tensor = node.In("ScaleTensor")) {
    const auto scalar = ConstantScalar(tensor);
    if (!scalar) return Unsupported("slot ScaleTensor is not a constant scalar");
    s.scale = static_cast<float>(*scalar);
  }
  const auto fits = [](float v) { return v > -9.0e18F && v < 9.0e18F; };
  if (node.In("X")->dtype != DType::kFloat32 && (!fits(s.scale) || !fits(s.bias))) {
    return Unsupported("integers scaled by " + std::to_string(s.scale));
  }
  return s;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32, DType::kInt32, DType::kInt64}));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, "X", "Out"));
  return Parse(node).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const Scale s, Parse(node));
  Lowered lowered{nullptr, {node.In("X")}, {node.Out("Out")}};
  switch (node.In("X")->dtype) {
    case DType::kInt32:
      lowered.step = std::make_unique<IntScaleStep<int32_t>>(DType::kInt32, s);
      break;
    case DType::kInt64:
      lowered.step = std::make_unique<IntScaleStep<int64_t>>(DType::kInt64, s);
      break;
    default:
      lowered.step = steps::MakeUnaryStep(
          context.isa,
          s.bias_after ? kernels::UnaryOp::kScaleThenAdd : kernels::UnaryOp::kAddThenScale,
          {s.scale, s.bias});
  }
  return lowered;
}

}  // namespace

std::span<const OpDef> scale_ops() {
  static constexpr OpDef kOps[] = {{"scale", Check, Lower, LayoutRule::kFollow}};
  return kOps;
}

}  // namespace skiff::ops
