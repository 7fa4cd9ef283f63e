// cast and logical_not: the operators whose result has another meaning element by element.
#include <limits>
#include <type_traits>

#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> cast_ops();
namespace {

using graph::Graph;
using graph::Node;

// C's conversion; floats out of range, where C leaves it open, give the lowest integer as x86 does.
template <typename To, typename From>
To Convert(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Small types go through int64 and wrap, as in C on this machine.
    const bool fits = x > From(-9.2e18) && x < From(9.2e18);
    if constexpr (sizeof(To) < 8) {
      if (!(x > From(-2147483904.0) && x < From(2147483648.0))) {
        return static_cast<To>(std::numeric_limits<int32_t>::lowest());
      }
    }
    return fits ? static_cast<To>(static_cast<int64_t>(x)) : static_cast<To>(INT64_MIN);
  } else {
    return static_cast<To>(x);
  }
}

using Kernel = void (*)(void* dst, const void* src, int64_t n);

template <typename To, typename From>
void Run(void* dst, const void* src, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    static_cast<To*>(dst)[i] = Convert<To>(static_cast<const From*>(src)[i]);
  }
}

template <typename To>
Kernel From(DType from) {
  switch (from) {
    case DType::kBool: return Run<To, bool>;
    case DType::kUInt8: return Run<To, uint8_t>;
    case DType::kInt8: return Run<To, int8_t>;
    case DType::kInt16: return Run<To, int16_t>;
    case DType::kInt32: return Run<To, int32_t>;
    case DType::kInt64: return Run<To, int64_t>;
    case DType::kFloat32: return Run<To, float>;
    case DType::kFloat64: return Run<To, double>;
    default: return nullptr;
  }
}

Kernel Select(DType from, DType to) {
  switch (to) {
    case DType::kBool: return From<bool>(from);
    case DType::kUInt8: return From<uint8_t>(from);
    case DType::kInt8: return From<int8_t>(from);
    case DType::kInt16: return From<int16_t>(from);
    case DType::kInt32: return From<int32_t>(from);
    case DType::kInt64: return From<int64_t>(from);
    case DType::kFloat32: return From<float>(from);
    case DType::kFloat64: return From<double>(from);
    default: return nullptr;
  }
}

void LogicalNot(void* dst, const void* src, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    static_cast<bool*>(dst)[i] = !static_cast<const bool*>(src)[i];
  }
}

class ConvertStep final : public steps::DataStep {
 public:
  ConvertStep(DType from, DType to, Kernel kernel)
      : DataStep(to, "cast"), from_(from), kernel_(kernel) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    shapes.set_out(0, shapes.in(0));
    const auto carries_ints = [](DType t) { return t == DType::kInt32 || t == DType::kInt64; };
    const steps::IntValues* ints = shapes.ints(0);
    if (ints != nullptr && carries_ints(from_) && carries_ints(type())) {
      steps::IntValues out = *ints;
      if (type() == DType::kInt32) {
        for (int64_t& v : out.v) v = static_cast<int32_t>(v);
      }
      shapes.set_out_ints(0, out);
    }
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const auto* src = static_cast<const std::byte*>(run.in[0].data);
    auto* dst = static_cast<std::byte*>(run.out[0].data);
    steps::ParallelRanges(run.pool, run.in[0].dims.Numel(), steps::kParallelGrain,
                          [&](int64_t begin, int64_t end) {
                            kernel_(dst + static_cast<size_t>(begin) * element_size(),
                                    src + static_cast<size_t>(begin) * SizeOf(from_), end - begin);
                          });
    return OkStatus();
  }

 private:
  DType from_;
  Kernel kernel_;
};

Status CheckCast(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  auto attributes = node.Attributes();
  const DType from = node.In("X")->dtype;
  const DType to = node.Out("Out")->dtype;
  const int64_t wanted = attributes.Int("out_dtype", static_cast<int64_t>(to));
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (wanted != static_cast<int64_t>(to)) {
    return InvalidArgument("out_dtype is " + std::to_string(wanted) + " but the result is " +
                           std::string(Name(to)));
  }
  if (node.In("X")->grid || Select(from, to) == nullptr) {
    return Unsupported("a cast from " + std::string(Name(from)) + " to " + std::string(Name(to)));
  }
  return OkStatus();
}

Result<Lowered> LowerCast(const LowerContext& context) {
  const graph::Value* x = context.node.In("X");
  const graph::Value* out = context.node.Out("Out");
  return Lowered{std::make_unique<ConvertStep>(x->dtype, out->dtype, Select(x->dtype, out->dtype)),
                 {x},
                 {out}};
}

Status CheckNot(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kBool}));
  return RequireType(node, "Out", {DType::kBool});
}

Result<Lowered> LowerNot(const LowerContext& context) {
  return Lowered{std::make_unique<ConvertStep>(DType::kBool, DType::kBool, LogicalNot),
                 {context.node.In("X")},
                 {context.node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> cast_ops() {
  static constexpr OpDef kOps[] = {
      {"cast", CheckCast, LowerCast, LayoutRule::kFollow},
      {"logical_not", CheckNot, LowerNot, LayoutRule::kFollow},
  };
  return kOps;
}

}  // namespace skiff::ops
