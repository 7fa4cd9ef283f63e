// Reductions over some axes: sums, means, products, extremes.
//
// Sums are taken in one order on every machine: over 16 lanes and a tree along an axis that is
// contiguous in memory, from first to last otherwise.
#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

#include "ops/op_support.h"
#include "steps/data_step.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> reduce_ops();
namespace {

using graph::Graph;
using graph::Node;
using steps::LoopNest;

enum class Reduction { kSum, kMean, kProd, kMax, kMin };

struct ReduceConfig {
  Reduction reduction = Reduction::kSum;
  std::vector<int64_t> axes;  // empty: all
  bool keeps_axes = false;
  bool nhwc_in = false;
  bool nhwc_out = false;
};

template <typename T, Reduction kind>
struct Op {
  static constexpr bool kAdds = kind == Reduction::kSum || kind == Reduction::kMean;
  static T Start() {
    if (kAdds) return T(0);
    if (kind == Reduction::kProd) return T(1);
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_floating_point_v<T>) {
      return kind == Reduction::kMax ? -Limits::infinity() : Limits::infinity();
    }
    return kind == Reduction::kMax ? Limits::lowest() : Limits::max();
  }
  static T Join(T a, T b) {
    using U = std::conditional_t<std::is_floating_point_v<T>, T, uint64_t>;
    if (kAdds) return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    if (kind == Reduction::kProd) return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
    return (kind == Reduction::kMax ? b > a : b < a) ? b : a;
  }
};

template <typename T, typename F>
T ReduceRow(const T* x, int64_t n) {
  constexpr int kLanes = 16;
  T lane[kLanes];
  std::fill_n(lane, kLanes, F::Start());
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int k = 0; k < kLanes; ++k) lane[k] = F::Join(lane[k], x[i + k]);
  }
  for (int k = 0; i < n; ++i, ++k) lane[k] = F::Join(lane[k], x[i]);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int k = 0; k < half; ++k) lane[k] = F::Join(lane[k], lane[k + half]);
  }
  return lane[0];
}

// The kept axes in memory order with the strides of X and of the result, and the reduced ones.
struct Axes {
  LoopNest<2> kept;
  LoopNest<1> reduced;
  int64_t kept_count = 1;
  int64_t reduced_count = 1;
  // The innermost axis in memory is reduced.
  bool rows = false;
};

template <size_t K>
int64_t Offset(const LoopNest<static_cast<int>(K)>& nest, int rank, int64_t index,
               std::array<int64_t, K>* offsets) {
  offsets->fill(0);
  for (int i = rank - 1; i >= 0; --i) {
    const auto axis = static_cast<size_t>(i);
    const int64_t at = index % nest.extent[axis];
    index /= nest.extent[axis];
    for (size_t k = 0; k < K; ++k) (*offsets)[k] += at * nest.stride[k][axis];
  }
  return (*offsets)[0];
}

template <typename From, typename To, Reduction kind>
void RunReduction(ThreadPool* pool, const From* x, To* out, const Axes& a) {
  using F = Op<To, kind>;
  const To divisor = kind == Reduction::kMean ? static_cast<To>(a.reduced_count) : To(1);
  if (a.rows && std::is_same_v<From, To>) {
    const auto inner = static_cast<size_t>(a.reduced.rank - 1);
    const int64_t n = a.reduced.extent[inner];
    const int64_t outer = a.reduced_count / n;
    steps::ParallelRanges(pool, a.kept_count, steps::kParallelGrain / a.reduced_count,
                          [&](int64_t begin, int64_t end) {
                            for (int64_t k = begin; k < end; ++k) {
                              std::array<int64_t, 2> at;
                              Offset<2>(a.kept, a.kept.rank, k, &at);
                              To total = F::Start();
                              for (int64_t r = 0; r < outer; ++r) {
                                std::array<int64_t, 1> from;
                                Offset<1>(a.reduced, static_cast<int>(inner), r, &from);
                                const auto* row = reinterpret_cast<const To*>(x + at[0] + from[0]);
                                total = F::Join(total, ReduceRow<To, F>(row, n));
                              }
                              out[at[1]] = kind == Reduction::kMean ? total / divisor : total;
                            }
                          });
    return;
  }
  // Columns: neighbours of the innermost kept axis are reduced together.
  const auto inner = static_cast<size_t>(a.kept.rank - 1);
  const int64_t n = a.kept.extent[inner];
  const int64_t step_in = a.kept.stride[0][inner];
  const int64_t step_out = a.kept.stride[1][inner];
  constexpr int64_t kColumns = 64;
  const int64_t blocks = (n + kColumns - 1) / kColumns;
  pool->ParallelFor(a.kept_count / n * blocks, [&](int64_t item) {
    std::array<int64_t, 2> at;
    Offset<2>(a.kept, static_cast<int>(inner), item / blocks, &at);
    const int64_t first = item % blocks * kColumns;
    const int64_t count = std::min(kColumns, n - first);
    To total[kColumns];
    std::fill_n(total, kColumns, F::Start());
    for (int64_t r = 0; r < a.reduced_count; ++r) {
      std::array<int64_t, 1> from;
      Offset<1>(a.reduced, a.reduced.rank, r, &from);
      const From* row = x + at[0] + from[0] + first * step_in;
      if (step_in == 1) {
        for (int64_t c = 0; c < count; ++c) total[c] = F::Join(total[c], static_cast<To>(row[c]));
      } else {
        for (int64_t c = 0; c < count; ++c) {
          total[c] = F::Join(total[c], static_cast<To>(row[c * step_in]));
        }
      }
    }
    for (int64_t c = 0; c < count; ++c) {
      out[at[1] + (first + c) * step_out] =
          kind == Reduction::kMean ? total[c] / divisor : total[c];
    }
  });
}

using Kernel = void (*)(ThreadPool* pool, const void* x, void* out, const Axes& axes);

template <typename From, typename To, Reduction kind>
void Erased(ThreadPool* pool, const void* x, void* out, const Axes& axes) {
  RunReduction<From, To, kind>(pool, static_cast<const From*>(x), static_cast<To*>(out), axes);
}

template <typename From, typename To>
Kernel SelectKind(Reduction kind) {
  switch (kind) {
    case Reduction::kSum: return Erased<From, To, Reduction::kSum>;
    case Reduction::kMean: return Erased<From, To, Reduction::kMean>;
    case Reduction::kProd: return Erased<From, To, Reduction::kProd>;
    case Reduction::kMax: return Erased<From, To, Reduction::kMax>;
    case Reduction::kMin: return Erased<From, To, Reduction::kMin>;
  }
  return nullptr;
}

Kernel Select(Reduction kind, DType from, DType to) {
  if (from == DType::kFloat32 && to == from) return SelectKind<float, float>(kind);
  if (from == DType::kInt32 && to == from) return SelectKind<int32_t, int32_t>(kind);
  if (from == DType::kInt64 && to == from) return SelectKind<int64_t, int64_t>(kind);
  // Sums of small integers are int64.
  if (from == DType::kInt32 && to == DType::kInt64) return SelectKind<int32_t, int64_t>(kind);
  if (from == DType::kBool && to == DType::kInt64) return SelectKind<bool, int64_t>(kind);
  return nullptr;
}

class ReduceStep final : public steps::DataStep {
 public:
  ReduceStep(DType type, ReduceConfig config, Kernel kernel)
      : DataStep(type, "reduce"), config_(std::move(config)), kernel_(kernel) {}

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    for (int64_t axis : config_.axes) SKIFF_RETURN_IF_ERROR(ResolveAxis(axis, x).status());
    if (x.Numel() == 0) return InvalidArgument("an empty array of shape " + x.ToString());
    const Dims out = Reduced(x);
    if ((config_.nhwc_in && x.rank() != 4) || (config_.nhwc_out && out.rank() != 4)) {
      return InvalidArgument("an array of shape " + x.ToString() + " should have four axes");
    }
    shapes.set_out(0, out);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    kernel_(run.pool, run.in[0].data, run.out[0].data, AxesOf(run.in[0].dims));
    return OkStatus();
  }
  bool SplitsByImage(const Dims& x) const override { return !IsReduced(0, x.rank()); }

 private:
  [[nodiscard]] bool IsReduced(int axis, int rank) const {
    if (config_.axes.empty()) return true;
    return std::any_of(config_.axes.begin(), config_.axes.end(),
                       [&](int64_t a) { return a == axis || a + rank == axis; });
  }

  [[nodiscard]] Dims Reduced(const Dims& x) const {
    Dims out;
    for (int i = 0; i < x.rank(); ++i) {
      if (!IsReduced(i, x.rank())) {
        out.push_back(x[i]);
      } else if (config_.keeps_axes) {
        out.push_back(1);
      }
    }
    return out;
  }

  [[nodiscard]] Axes AxesOf(const Dims& x) const {
    const steps::Strides in = steps::DenseStrides(x, config_.nhwc_in);
    const steps::Strides packed = steps::DenseStrides(Reduced(x), config_.nhwc_out);
    std::array<int64_t, Dims::kMaxRank> out{};  // by axis of X
    size_t next = 0;
    for (int i = 0; i < x.rank(); ++i) {
      const bool reduced = IsReduced(i, x.rank());
      if (!reduced || config_.keeps_axes) out[static_cast<size_t>(i)] = packed[next++];
    }
    Axes axes;
    static constexpr int kNhwc[] = {0, 2, 3, 1};
    for (int i = 0; i < x.rank(); ++i) {
      const int axis = config_.nhwc_in ? kNhwc[i] : i;
      const auto at = static_cast<size_t>(axis);
      if (IsReduced(axis, x.rank())) {
        axes.reduced.Add(x[axis], {in[at]});
        axes.reduced_count *= x[axis];
      } else {
        axes.kept.Add(x[axis], {in[at], out[at]});
        axes.kept_count *= x[axis];
      }
    }
    axes.kept.PadTo(1);
    axes.reduced.PadTo(1);
    axes.rows = axes.reduced.stride[0][static_cast<size_t>(axes.reduced.rank - 1)] == 1;
    return axes;
  }

  ReduceConfig config_;
  Kernel kernel_;
};

struct Row {
  std::string_view name;
  Reduction reduction;
};

constexpr Row kRows[] = {
    {"reduce_sum", Reduction::kSum},   {"reduce_mean", Reduction::kMean},
    {"reduce_prod", Reduction::kProd}, {"reduce_max", Reduction::kMax},
    {"reduce_min", Reduction::kMin},   {"mean", Reduction::kMean},
};

Result<ReduceConfig> Parse(const Node& node) {
  ReduceConfig config;
  for (const Row& row : kRows) {
    if (row.name == node.type) config.reduction = row.reduction;
  }
  config.nhwc_in = IsNhwc(node.In("X"));
  config.nhwc_out = IsNhwc(node.Out("Out"));
  if (node.type == "mean") return config;
  auto attributes = node.Attributes();
  config.axes = attributes.Ints("dim", {0});
  config.keeps_axes = attributes.Bool("keep_dim", false);
  if (attributes.Bool("reduce_all", false)) config.axes.clear();
  SKIFF_RETURN_IF_ERROR(attributes.status());
  return config;
}

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_ASSIGN_OR_RETURN(const ReduceConfig config, Parse(node));
  const DType from = node.In("X")->dtype;
  const DType to = node.Out("Out")->dtype;
  if (Select(config.reduction, from, to) == nullptr) {
    return Unsupported("from " + std::string(Name(from)) + " to " + std::string(Name(to)));
  }
  return OkStatus();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(ReduceConfig config, Parse(node));
  const DType from = node.In("X")->dtype;
  const DType to = node.Out("Out")->dtype;
  const Kernel kernel = Select(config.reduction, from, to);
  return Lowered{std::make_unique<ReduceStep>(to, std::move(config), kernel),
                 {node.In("X")},
                 {node.Out("Out")}};
}

// Where the axes stay, or what is left has three axes at most of which none lies out of order.
bool AcceptsNhwc(const Node& node) {
  const auto config = Parse(node);
  if (!config.ok()) return false;
  if (config->keeps_axes || config->axes.empty()) return true;
  const auto reduced = [&](int64_t axis) {
    return std::any_of(config->axes.begin(), config->axes.end(),
                       [&](int64_t a) { return a == axis || a + 4 == axis; });
  };
  return reduced(1) || (reduced(2) && reduced(3));
}

}  // namespace

std::span<const OpDef> reduce_ops() {
  static const auto* ops = [] {
    auto* made = new std::vector<OpDef>;
    for (const Row& row : kRows) {
      made->push_back({row.name, Check, Lower, LayoutRule::kFollow, AcceptsNhwc});
    }
    return made;
  }();
  return *ops;
}

}  // namespace skiff::ops
