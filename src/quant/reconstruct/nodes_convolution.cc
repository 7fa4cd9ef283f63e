// Convolutions as products over gathered windows (im2col), and plain products.
#include <algorithm>
#include <utility>

#include "onednn/gemm.h"
#include "quant/reconstruct/nodes.h"

namespace skiff::quant {
namespace {

using Flow = TapeNode::Flow;

// A matrix as it lies, `row` floats from one row to the next.
struct Matrix {
  const float* data = nullptr;
  int64_t row = 0;
  bool transposed = false;  // the product takes its transpose
};

// c[m, n] = a b, or more when `add`; a lane has one thread.
void Multiply(int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, bool add, float* c,
              Lane& lane) {
  const onednn::GemmSpec spec{.m = m,
                              .n = n,
                              .k = k,
                              .transpose_a = a.transposed,
                              .transpose_b = b.transposed,
                              .lda = a.row,
                              .ldb = b.row,
                              .ldc = n,
                              .beta = add ? 1.0F : 0.0F};
  Status status = onednn::Gemm(spec, a.data, b.data, c, 1);
  if (lane.status.ok()) lane.status = std::move(status);
}

class ConvolutionNode final : public TapeNode {
 public:
  ConvolutionNode(const WeightRef& weight, const WindowGeometry& window, int64_t groups,
                  std::vector<float> bias)
      : weight_(weight), window_(window), groups_(groups), bias_(std::move(bias)) {}

  void Forward(const Tape& tape, Lane& lane) const override {
    const Shape s = ShapeOf(tape);
    const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
    float* y = lane.x[static_cast<size_t>(output)].data();
    const float* w = weight_.Values(tape);
    for (size_t o = 0; o < bias_.size(); ++o) {
      std::fill_n(y + static_cast<int64_t>(o) * s.places, s.places, bias_[o]);
    }
    for (int64_t g = 0; g < groups_; ++g) {
      const float* windows = Gather(s, x + g * s.in * s.area, lane);
      Multiply(s.out, s.places, s.depth, {w + g * s.out * s.depth, s.depth}, {windows, s.places},
               !bias_.empty(), y + g * s.out * s.places, lane);
    }
  }

  void Backward(const Tape& tape, Lane& lane) const override {
    const Shape s = ShapeOf(tape);
    const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
    const float* dy = lane.dx[static_cast<size_t>(output)].data();
    const float* w = weight_.Values(tape);
    if (weight_.index >= 0) {
      float* dw = lane.dweights[static_cast<size_t>(weight_.index)].data();
      for (int64_t g = 0; g < groups_; ++g) {
        const float* windows = Gather(s, x + g * s.in * s.area, lane);
        Multiply(s.out, s.depth, s.places, {dy + g * s.out * s.places, s.places},
                 {windows, s.places, true}, true, dw + g * s.out * s.depth, lane);
      }
    }
    if (flows[0] == Flow::kNone) return;
    std::vector<float>& dx = lane.dx[static_cast<size_t>(inputs[0])];
    if (flows[0] == Flow::kWrite && !s.direct) std::fill(dx.begin(), dx.end(), 0.0F);
    for (int64_t g = 0; g < groups_; ++g) {
      float* to = dx.data() + g * s.in * s.area;
      float* windows = s.direct ? to : Scratch(s, lane);
      Multiply(s.depth, s.places, s.out, {w + g * s.out * s.depth, s.depth, true},
               {dy + g * s.out * s.places, s.places}, s.direct && flows[0] == Flow::kAdd, windows,
               lane);
      if (!s.direct) Scatter(s, windows, to);
    }
  }

 private:
  struct Shape {
    int64_t in = 0, height = 0, width = 0, area = 0;     // of a group
    int64_t out = 0, rows = 0, columns = 0, places = 0;  // the same
    int64_t depth = 0;                                   // elements of a window
    bool direct = false;                                 // the input is its own windows
  };

  [[nodiscard]] Shape ShapeOf(const Tape& tape) const {
    const Dims& x = tape.dims(inputs[0]);
    const Dims& y = tape.dims(output);
    const auto& w = window_;
    Shape s;
    s.in = x[1] / groups_;
    s.height = x[2];
    s.width = x[3];
    s.area = s.height * s.width;
    s.out = y[1] / groups_;
    s.rows = y[2];
    s.columns = y[3];
    s.places = s.rows * s.columns;
    s.depth = s.in * w.kernel[0] * w.kernel[1];
    s.direct = w.kernel[0] * w.kernel[1] == 1 && w.stride[0] * w.stride[1] == 1 &&
               s.area == s.places && w.before[0] + w.before[1] == 0;
    return s;
  }

  static float* Scratch(const Shape& s, Lane& lane) {
    const auto count = static_cast<size_t>(s.depth * s.places);
    if (lane.scratch.size() < count) lane.scratch.resize(count);
    return lane.scratch.data();
  }

  // Columns [begin, end) of a row of windows lie inside the image when they look `shift` to the
  // right.
  [[nodiscard]] std::pair<int64_t, int64_t> Inside(const Shape& s, int64_t shift) const {
    const int64_t stride = window_.stride[1];
    const int64_t begin = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    const int64_t end = s.width - shift <= 0 ? 0 : (s.width - shift + stride - 1) / stride;
    return {std::min(begin, s.columns), std::clamp(end, std::min(begin, s.columns), s.columns)};
  }

  // Calls fn(row of the windows' matrix, image row or -1, shift of columns) for each row of places.
  template <typename Fn>
  void ForEachRow(const Shape& s, const Fn& fn) const {
    int64_t at = 0;
    for (int64_t c = 0; c < s.in; ++c) {
      for (int64_t i = 0; i < window_.kernel[0]; ++i) {
        for (int64_t j = 0; j < window_.kernel[1]; ++j) {
          const int64_t shift = j * window_.dilation[1] - window_.before[1];
          for (int64_t r = 0; r < s.rows; ++r, at += s.columns) {
            const int64_t y = r * window_.stride[0] + i * window_.dilation[0] - window_.before[0];
            fn(at, y < 0 || y >= s.height ? -1 : (c * s.height + y) * s.width, shift);
          }
        }
      }
    }
  }

  const float* Gather(const Shape& s, const float* x, Lane& lane) const {
    if (s.direct) return x;
    float* windows = Scratch(s, lane);
    const int64_t stride = window_.stride[1];
    ForEachRow(s, [&](int64_t at, int64_t row, int64_t shift) {
      float* to = windows + at;
      if (row < 0) {
        std::fill_n(to, s.columns, 0.0F);
        return;
      }
      const auto [begin, end] = Inside(s, shift);
      const float* from = x + row + shift;
      std::fill(to, to + begin, 0.0F);
      for (int64_t k = begin; k < end; ++k) to[k] = from[k * stride];
      std::fill(to + end, to + s.columns, 0.0F);
    });
    return windows;
  }

  void Scatter(const Shape& s, const float* windows, float* dx) const {
    const int64_t stride = window_.stride[1];
    ForEachRow(s, [&](int64_t at, int64_t row, int64_t shift) {
      if (row < 0) return;
      const auto [begin, end] = Inside(s, shift);
      float* to = dx + row + shift;
      for (int64_t k = begin; k < end; ++k) to[k * stride] += windows[at + k];
    });
  }

  WeightRef weight_;
  WindowGeometry window_;
  int64_t groups_;
  std::vector<float> bias_;
};

class ProductNode final : public TapeNode {
 public:
  ProductNode(const WeightRef& weight, int64_t k, int64_t n, bool transposed,
              std::vector<float> bias)
      : weight_(weight), k_(k), n_(n), transposed_(transposed), bias_(std::move(bias)) {}

  void Forward(const Tape& tape, Lane& lane) const override {
    const int64_t rows = Rows(tape);
    const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
    float* y = lane.x[static_cast<size_t>(output)].data();
    for (int64_t r = 0; r < rows && !bias_.empty(); ++r) {
      std::copy(bias_.begin(), bias_.end(), y + r * n_);
    }
    Multiply(rows, n_, k_, {x, k_}, Weight(tape, false), !bias_.empty(), y, lane);
  }

  void Backward(const Tape& tape, Lane& lane) const override {
    const int64_t rows = Rows(tape);
    const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
    const float* dy = lane.dx[static_cast<size_t>(output)].data();
    if (weight_.index >= 0) {
      float* dw = lane.dweights[static_cast<size_t>(weight_.index)].data();
      if (transposed_) {
        Multiply(n_, k_, rows, {dy, n_, true}, {x, k_}, true, dw, lane);
      } else {
        Multiply(k_, n_, rows, {x, k_, true}, {dy, n_}, true, dw, lane);
      }
    }
    if (flows[0] == Flow::kNone) return;
    Multiply(rows, k_, n_, {dy, n_}, Weight(tape, true), flows[0] == Flow::kAdd,
             lane.dx[static_cast<size_t>(inputs[0])].data(), lane);
  }

 private:
  [[nodiscard]] int64_t Rows(const Tape& tape) const { return tape.dims(inputs[0]).Numel() / k_; }
  [[nodiscard]] Matrix Weight(const Tape& tape, bool backwards) const {
    return {weight_.Values(tape), transposed_ ? k_ : n_, transposed_ != backwards};
  }

  WeightRef weight_;
  int64_t k_;
  int64_t n_;
  bool transposed_;
  std::vector<float> bias_;
};

}  // namespace

std::unique_ptr<TapeNode> MakeConvolution(const WeightRef& weight, const WindowGeometry& window,
                                          int64_t groups, std::vector<float> bias) {
  return std::make_unique<ConvolutionNode>(weight, window, groups, std::move(bias));
}

std::unique_ptr<TapeNode> MakeProduct(const WeightRef& weight, int64_t k, int64_t n,
                                      bool transposed, std::vector<float> bias) {
  return std::make_unique<ProductNode>(weight, k, n, transposed, std::move(bias));
}

}  // namespace skiff::quant
