// softmax and log_softmax along any axis.
#include "kernels/eltwise/softmax.h"

#include <algorithm>
#include <optional>

#include "kernels/eltwise/eltwise_isa.h"
#include "ops/grids.h"
#include "ops/op_support.h"
#include "steps/code_writer.h"
#include "steps/loop_nest.h"

namespace skiff::ops {
std::span<const OpDef> softmax_ops();
namespace {

using graph::Graph;
using graph::Node;

// Columns that are worked on together: as many as keep their slice of the array in the first cache.
constexpr int64_t kColumns = 256;

class SoftmaxStep final : public steps::Step {
 public:
  SoftmaxStep(Isa isa, int64_t axis, bool log, bool nhwc,
              const std::optional<steps::CodeGrid>& codes)
      : rows_(kernels::SelectSoftmaxRows(isa)),
        columns_(kernels::SelectSoftmaxColumns(isa)),
        isa_(isa),
        axis_(axis),
        log_(log),
        nhwc_(nhwc) {
    if (codes) writer_.emplace(*codes, isa);
  }

  Status Reshape(steps::ShapeContext& shapes) const override {
    const Dims& x = shapes.in(0);
    if (x.rank() > 0) SKIFF_RETURN_IF_ERROR(ResolveAxis(axis_, x).status());
    if (nhwc_ && x.rank() != 4) {
      return InvalidArgument("an array of shape " + x.ToString() + " should have four axes");
    }
    shapes.set_out(0, x);
    const bool floats = writer_ && x.Numel() > 0 && !RoundsRows(ViewOf(x));
    shapes.set_workspace(floats ? static_cast<size_t>(x.Numel()) * sizeof(float) : 0);
    return OkStatus();
  }

  Status Run(const steps::RunContext& run) const noexcept override {
    const Dims& dims = run.in[0].dims;
    const auto* src = run.in[0].As<const float>();
    if (dims.Numel() == 0) return OkStatus();
    const View view = ViewOf(dims);
    if (!writer_) {
      Compute(view, src, run.out[0].As<float>(), run.pool);
    } else if (RoundsRows(view)) {
      RoundRows(view, src, run.out[0].As<uint8_t>(), run.pool);
    } else {
      auto* const floats = reinterpret_cast<float*>(run.workspace);
      Compute(view, src, floats, run.pool);
      const auto copy = [&](int64_t at, int64_t n, float* dst) {
        std::copy_n(floats + at, n, dst);
      };
      steps::ParallelRanges(run.pool, dims.Numel(), steps::kParallelGrain,
                            [&](int64_t begin, int64_t end) {
                              writer_->Write(begin, end, run.out[0].As<uint8_t>(), copy);
                            });
    }
    return OkStatus();
  }

  steps::StepInfo Info() const override {
    return {.precision = "fp32", .kernel = kernels::EltwiseName("softmax", isa_)};
  }
  int InPlaceInput() const override { return writer_ ? -1 : 0; }
  bool SplitsByImage(const Dims& x) const override {
    const int64_t axis = axis_ < 0 ? axis_ + x.rank() : axis_;
    return axis != 0;
  }

 private:
  static constexpr int64_t kScratch = 2 * kColumns;

  struct View {
    int64_t outer = 1;
    int64_t n = 1;
    int64_t inner = 1;
  };

  // In memory order. REQUIRES: Reshape accepted dims.
  View ViewOf(const Dims& dims) const {
    if (dims.rank() == 0) return {};
    int axis = static_cast<int>(axis_ < 0 ? axis_ + dims.rank() : axis_);
    Dims memory = dims;
    if (nhwc_) {
      static constexpr int kPosition[] = {0, 3, 1, 2};
      memory = Dims{dims[0], dims[2], dims[3], dims[1]};
      axis = kPosition[axis];
    }
    return {memory.Product(0, axis), memory[axis], memory.Product(axis + 1, memory.rank())};
  }

  void Compute(const View& view, const float* src, float* dst, ThreadPool* pool) const {
    if (view.inner == 1) {
      steps::ParallelRanges(
          pool, view.outer, steps::kParallelGrain / (8 * view.n), [&](int64_t begin, int64_t end) {
            rows_(dst + begin * view.n, src + begin * view.n, end - begin, view.n, log_);
          });
      return;
    }
    const int64_t blocks = (view.inner + kColumns - 1) / kColumns;
    pool->ParallelFor(view.outer * blocks, [&](int64_t i) {
      const int64_t first = i % blocks * kColumns;
      const int64_t offset = i / blocks * view.n * view.inner + first;
      alignas(64) float scratch[kScratch];
      columns_(dst + offset, src + offset, view.n, view.inner,
               std::min(kColumns, view.inner - first), scratch, log_);
    });
  }

  // Are rows short enough to be rounded while they lie in L1?
  static bool RoundsRows(const View& view) {
    return view.inner == 1 && view.n <= steps::CodeWriter::kTile;
  }
  void RoundRows(const View& view, const float* src, uint8_t* dst, ThreadPool* pool) const {
    const int64_t together = steps::CodeWriter::kTile / view.n;
    const auto range = [&](int64_t begin, int64_t end) {
      alignas(64) steps::CodeWriter::Tile tile;
      for (int64_t row = begin; row < end; row += together) {
        const int64_t count = std::min(together, end - row);
        rows_(tile.data(), src + row * view.n, count, view.n, log_);
        writer_->Round(tile, count * view.n, dst + row * view.n);
      }
    };
    steps::ParallelRanges(pool, view.outer, steps::kParallelGrain / (8 * view.n), range);
  }

  kernels::SoftmaxRowsKernel rows_;
  kernels::SoftmaxColumnsKernel columns_;
  Isa isa_;
  int64_t axis_;
  bool log_;
  bool nhwc_;
  std::optional<steps::CodeWriter> writer_;
};

Status Check(const Graph& /*graph*/, const Node& node) {
  SKIFF_RETURN_IF_ERROR(RequireSlots(node, {"X"}, {"Out"}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "X", {DType::kFloat32}));
  SKIFF_RETURN_IF_ERROR(RequireType(node, "Out", {DType::kFloat32, DType::kUInt8, DType::kInt8}));
  auto attributes = node.Attributes();
  attributes.Int("axis", -1);
  return attributes.status();
}

Result<Lowered> Lower(const LowerContext& context) {
  const Node& node = context.node;
  SKIFF_ASSIGN_OR_RETURN(const auto codes, OutputGrid(*node.Out("Out")));
  return Lowered{
      std::make_unique<SoftmaxStep>(context.isa, node.Attributes().Int("axis", -1),
                                    node.type == "log_softmax", IsNhwc(node.In("X")), codes),
      {node.In("X")},
      {node.Out("Out")}};
}

}  // namespace

std::span<const OpDef> softmax_ops() {
  static constexpr OpDef kOps[] = {
      {"softmax", Check, Lower, LayoutRule::kFollow, nullptr, true},
      {"log_softmax", Check, Lower, LayoutRule::kFollow, nullptr, true},
  };
  return kOps;
}

}  // namespace skiff::ops
