// pad, pad2d and pad3d: a border around an array, constant or made of the array itself.
#include <algorithm>
#include <cstring>

#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/strided_copy.h"

namespace skiff::ops {
std::span<const OpDef> pad_ops();
namespace {

using graph::Graph;
using graph::Node;
using steps::ShapeContext;

enum class Border { kConstant, kReflect, kReplicate, kCircular };

// Which paddings belong to which axis.
enum class Order {
  kEveryAxis,  // before and after, for each axis in turn
  kPlane,      // pad2d: top, bottom, left, right
  kVolume      // pad3d: left, right, top, bottom, front, back
};

struct PadConfig {
  Order order = Order::kEveryAxis;
  Border border = Border::kConstant;
  float value = 0;
  bool channels_last = false;  // by the operator's data_format
  bool nhwc = false;           // by the graph's layout
};

struct PadState final : steps::StepState {
  Dims before;
};

// The element that stands at `i` of an axis of n elements whose first one is at 0.
int64_t Source(int64_t i, int64_t n, Border border) {
  switch (border) {
    case Border::kReflect: return i < 0 ? -i : (i >= n ? 2 * (n - 1) - i : i);
    case Border::kCircular: return (i % n + n) % n;
    default: return std::clamp<int64_t>(i, 0, n - 1);
  }
}

class PadStep final : public steps::DataStep {
 public:
  PadStep(DType type, const PadConfig& config, IntArgument paddings)
      : DataStep(type, "pad"), config_(config), paddings_(std::move(paddings)) {}

  std::unique_ptr<steps::StepState> NewState() const override {
    return std::make_unique<PadState>();
  }

  Status Reshape(ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    SKIFF_ASSIGN_OR_RETURN(const std::vector<int64_t> paddings, paddings_.Read(shapes));
    Dims before;
    Dims after;
    SKIFF_RETURN_IF_ERROR(ByAxis(x, paddings, &before, &after));
    Dims out = x;
    for (int i = 0; i < x.rank(); ++i) {
      const bool grows = before[i] > 0 || after[i] > 0;
      const int64_t most = config_.border == Border::kReflect ? x[i] - 1 : x[i];
      const bool legal = before[i] >= 0 && after[i] >= 0 &&
                         (config_.border == Border::kConstant || !grows ||
                          (x[i] > 0 && (config_.border != Border::kReflect ||
                                        std::max(before[i], after[i]) <= most)));
      if (!legal || __builtin_add_overflow(out[i], before[i], &out[i]) ||
          __builtin_add_overflow(out[i], after[i], &out[i])) {
        return InvalidArgument("paddings " + before.ToString() + " and " + after.ToString() +
                               " of an array of shape " + x.ToString());
      }
    }
    SKIFF_RETURN_IF_ERROR(CheckExtents(out));
    static_cast<PadState*>(shapes.state())->before = before;
    shapes.set_out(0, out);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& before = static_cast<const PadState*>(run.state)->before;
    const Dims& x = run.in[0].dims;
    const Dims& out = run.out[0].dims;
    const steps::Strides src = steps::DenseStrides(x, config_.nhwc);
    const steps::Strides dst = steps::DenseStrides(out, config_.nhwc);
    if (config_.border != Border::kConstant) {
      switch (element_size()) {
        case 1: return Mirror<uint8_t>(run, before, dst, src);
        case 2: return Mirror<uint16_t>(run, before, dst, src);
        case 4: return Mirror<uint32_t>(run, before, dst, src);
        default: return Mirror<uint64_t>(run, before, dst, src);
      }
    }
    Fill(run.out[0]);
    int64_t offset = 0;
    for (int i = 0; i < x.rank(); ++i) offset += before[i] * dst[static_cast<size_t>(i)];
    auto* inside =
        static_cast<std::byte*>(run.out[0].data) + offset * static_cast<int64_t>(element_size());
    steps::CopyView(run.pool, element_size(), x, config_.nhwc, inside, dst, run.in[0].data, src);
    return OkStatus();
  }
  bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 private:
  Status ByAxis(const Dims& x, const std::vector<int64_t>& p, Dims* before, Dims* after) const {
    const auto rank = static_cast<size_t>(x.rank());
    const size_t want = config_.order == Order::kEveryAxis ? 2 * rank
                        : config_.order == Order::kPlane   ? 4
                                                           : 6;
    const size_t need = config_.order == Order::kPlane ? 4 : 5;
    if (p.size() != want || (config_.order != Order::kEveryAxis && rank != need) ||
        (config_.nhwc && rank != 4)) {
      return InvalidArgument(std::to_string(p.size()) + " paddings of an array of shape " +
                             x.ToString());
    }
    for (size_t i = 0; i < rank; ++i) {
      before->push_back(0);
      after->push_back(0);
    }
    if (config_.order == Order::kEveryAxis) {
      for (size_t i = 0; i < rank; ++i) {
        (*before)[static_cast<int>(i)] = p[2 * i];
        (*after)[static_cast<int>(i)] = p[2 * i + 1];
      }
      return OkStatus();
    }
    // The first spatial axis is 1 or 2; pad3d lists the axes from the last one on.
    const int first = config_.channels_last ? 1 : 2;
    const int spatial = x.rank() - 2;
    for (int k = 0; k < spatial; ++k) {
      const int axis = config_.order == Order::kPlane ? first + k : first + spatial - 1 - k;
      (*before)[axis] = p[2 * static_cast<size_t>(k)];
      (*after)[axis] = p[2 * static_cast<size_t>(k) + 1];
    }
    return OkStatus();
  }

  void Fill(const steps::Tensor& out) const {
    const int64_t n = out.dims.Numel();
    switch (type()) {
      case DType::kFloat32: std::fill_n(out.As<float>(), n, config_.value); break;
      case DType::kFloat64: std::fill_n(out.As<double>(), n, config_.value); break;
      case DType::kInt32:
        std::fill_n(out.As<int32_t>(), n, static_cast<int32_t>(config_.value));
        break;
      case DType::kInt64:
        std::fill_n(out.As<int64_t>(), n, static_cast<int64_t>(config_.value));
        break;
      default: std::memset(out.data, 0, static_cast<size_t>(n) * element_size());  // codes: value 0
    }
  }

  template <typename T>
  Status Mirror(const steps::RunContext& run, const Dims& before, const steps::Strides& dst,
                const steps::Strides& src) const noexcept {
    const Dims& x = run.in[0].dims;
    const Dims& out = run.out[0].dims;
    const int last = out.rank() - 1;
    const int64_t rows = out.Product(0, last);
    if (rows * out[last] == 0) return OkStatus();
    run.pool->ParallelFor(rows, [&](int64_t row) {
      int64_t to = 0;
      int64_t from = 0;
      int64_t index = row;
      for (int i = last - 1; i >= 0; --i) {
        const int64_t at = index % out[i];
        index /= out[i];
        to += at * dst[static_cast<size_t>(i)];
        from += Source(at - before[i], x[i], config_.border) * src[static_cast<size_t>(i)];
      }
      const auto step_to = dst[static_cast<size_t>(last)];
      const auto step_from = src[static_cast<size_t>(last)];
      for (int64_t i = 0; i < out[last]; ++i) {
        run.out[0].As<T>()[to + i * step_to] =
            run.in[0].As<const T>()[from +
                                    Source(i - before[last], x[last], config_.border) * step_from];
      }
    });
    return OkStatus();
  }

  PadConfig config_;
  IntArgument paddings_;
};

struct Parsed {
  PadConfig config;
  std::vector<int64_t> paddings;
};

Result<Parsed> Parse(const Node& node) {
  auto attributes = node.Attributes();
  Parsed parsed;
  PadConfig& config = parsed.config;
  parsed.paddings = attributes.Ints("paddings", {});
  const std::string mode = attributes.String("mode", "constant");
  const std::string format = attributes.String("data_format", "");
  config.value = attributes.Float(node.type == "pad3d" ? "value" : "pad_value", 0.0F);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  config.nhwc = IsNhwc(node.In("X"));
  if (node.type == "pad2d") config.order = Order::kPlane;
  if (node.type == "pad3d") config.order = Order::kVolume;
  config.channels_last = format == "NHWC" || format == "NDHWC";
  if (mode == "reflect") {
    config.border = Border::kReflect;
  } else if (mode == "edge" || mode == "replicate") {
    config.border = Border::kReplicate;
  } else if (mode == "circular") {
    config.border = Border::kCircular;
  } else if (mode != "constant") {
    return Unsupported("mode " + mode);
  }
  const DType type = node.In("X")->dtype;
  const bool number = type == DType::kFloat32 || type == DType::kFloat64 || type == DType::kInt32 ||
                      type == DType::kInt64;
  if (!number && config.value != 0) {
    return Unsupported("padding " + std::string(Name(type)) + " with " +
                       std::to_string(config.value));
  }
  if (!(config.value > -9.2e18F && config.value < 9.2e18F) && type != DType::kFloat32 &&
      type != DType::kFloat64) {
    return Unsupported("padding integers with " + std::to_string(config.value));
  }
  return parsed;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireKnownType(node, "X"));
  SKIFF_RETURN_IF_ERROR(RequireSameType(node, "X", "Out"));
  return Parse(node).status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(Parsed parsed, Parse(node));
  Lowered lowered{nullptr, {node.In("X")}, {node.Out("Out")}};
  IntArgument paddings =
      IntArgument::Bind(node, "Paddings", "", std::move(parsed.paddings), &lowered);
  lowered.step = std::make_unique<PadStep>(node.In("X")->dtype, parsed.config, std::move(paddings));
  return lowered;
}

}  // namespace

std::span<const OpDef> pad_ops() {
  static constexpr OpDef kOps[] = {
      {"pad", Check, Lower, LayoutRule::kFollow},
      {"pad2d", Check, Lower, LayoutRule::kFollow},
      {"pad3d", Check, Lower, LayoutRule::kPlain},
  };
  return kOps;
}

}  // namespace skiff::ops
