// Pooling of planes.
#include <algorithm>
#include <limits>

#include "quant/reconstruct/nodes.h"

namespace skiff::quant {
namespace {

using Flow = TapeNode::Flow;

// One axis of a window: the elements inside the image, and how many an average divides by.
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t divisor = 1;
};

class PoolNode final : public TapeNode {
 public:
  explicit PoolNode(const PoolGeometry& pool) : pool_(pool) {}

  void Forward(const Tape& tape, Lane& lane) const override {
    const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
    float* y = lane.x[static_cast<size_t>(output)].data();
    ForEachWindow(tape, [&](int64_t plane, int64_t at, int64_t width, Span rows, Span columns) {
      if (!pool_.average) {
        const int64_t place = Largest(x + plane, width, rows, columns);
        y[at] = place < 0 ? std::numeric_limits<float>::lowest() : x[plane + place];
        return;
      }
      float sum = 0;
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        for (int64_t j = columns.begin; j < columns.end; ++j) sum += x[plane + i * width + j];
      }
      y[at] = sum / static_cast<float>(rows.divisor * columns.divisor);
    });
  }

  void Backward(const Tape& tape, Lane& lane) const override {
    if (flows[0] == Flow::kNone) return;
    const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
    const float* dy = lane.dx[static_cast<size_t>(output)].data();
    std::vector<float>& dx = lane.dx[static_cast<size_t>(inputs[0])];
    if (flows[0] == Flow::kWrite) std::fill(dx.begin(), dx.end(), 0.0F);
    float* to = dx.data();
    ForEachWindow(tape, [&](int64_t plane, int64_t at, int64_t width, Span rows, Span columns) {
      if (!pool_.average) {
        const int64_t place = Largest(x + plane, width, rows, columns);
        if (place >= 0) to[plane + place] += dy[at];
        return;
      }
      const float share = dy[at] / static_cast<float>(rows.divisor * columns.divisor);
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        for (int64_t j = columns.begin; j < columns.end; ++j) to[plane + i * width + j] += share;
      }
    });
  }

 private:
  // -1: the window lies in the padding.
  static int64_t Largest(const float* plane, int64_t width, const Span& rows, const Span& columns) {
    int64_t best = -1;
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      for (int64_t j = columns.begin; j < columns.end; ++j) {
        if (best < 0 || plane[i * width + j] > plane[best]) best = i * width + j;
      }
    }
    return best;
  }

  [[nodiscard]] Span SpanOf(size_t axis, int64_t index, int64_t in, int64_t out) const {
    if (pool_.adaptive) {
      const int64_t begin = index * in / out;
      const int64_t end = ((index + 1) * in + out - 1) / out;
      return {begin, end, end - begin};
    }
    const WindowGeometry& w = pool_.window;
    const int64_t first = index * w.stride[axis] - w.before[axis];
    const int64_t last = std::min(first + w.kernel[axis], in + w.before[axis]);
    const int64_t begin = std::max<int64_t>(first, 0);
    const int64_t end = std::min(first + w.kernel[axis], in);
    return {begin, end, pool_.exclusive ? std::max<int64_t>(end - begin, 1) : last - first};
  }

  // Calls fn(plane's first element, the output's element, width, rows, columns).
  template <typename Fn>
  void ForEachWindow(const Tape& tape, const Fn& fn) const {
    const Dims& in = tape.dims(inputs[0]);
    const Dims& out = tape.dims(output);
    int64_t at = 0;
    for (int64_t c = 0; c < out[1]; ++c) {
      for (int64_t i = 0; i < out[2]; ++i) {
        const Span rows = SpanOf(0, i, in[2], out[2]);
        for (int64_t j = 0; j < out[3]; ++j) {
          fn(c * in[2] * in[3], at++, in[3], rows, SpanOf(1, j, in[3], out[3]));
        }
      }
    }
  }

  PoolGeometry pool_;
};

}  // namespace

std::unique_ptr<TapeNode> MakePool(const PoolGeometry& pool) {
  return std::make_unique<PoolNode>(pool);
}

}  // namespace skiff::quant
