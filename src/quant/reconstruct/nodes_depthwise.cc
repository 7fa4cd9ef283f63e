// Depthwise convolution, plane by plane: each element of the kernel moves over the image as a
// whole.
#include <algorithm>
#include <array>
#include <utility>

#include "quant/reconstruct/nodes.h"

namespace skiff::quant {
namespace {

using Flow = TapeNode::Flow;

class DepthwiseNode final : public TapeNode {
 public:
  DepthwiseNode(const WeightRef& weight, const WindowGeometry& window, std::vector<float> bias)
      : weight_(weight), window_(window), bias_(std::move(bias)) {}

  void Forward(const Tape& tape, Lane& lane) const override {
    const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
    std::vector<float>& out = lane.x[static_cast<size_t>(output)];
    float* y = out.data();
    const float* w = weight_.Values(tape);
    const int64_t channels = tape.dims(output)[1];
    const int64_t places = static_cast<int64_t>(out.size()) / channels;
    for (int64_t c = 0; c < channels; ++c) {
      std::fill_n(y + c * places, places, bias_.empty() ? 0.0F : bias_[static_cast<size_t>(c)]);
    }
    ForEachRow(tape, [&](int64_t tap, int64_t from, int64_t to, int64_t count) {
      const float factor = w[tap];
      const float* row = x + from;
      float* sums = y + to;
      if (window_.stride[1] == 1) {
        for (int64_t k = 0; k < count; ++k) sums[k] += factor * row[k];
      } else {
        for (int64_t k = 0; k < count; ++k) sums[k] += factor * row[k * window_.stride[1]];
      }
    });
  }

  void Backward(const Tape& tape, Lane& lane) const override {
    const float* dy = lane.dx[static_cast<size_t>(output)].data();
    if (weight_.index >= 0) {
      const float* x = lane.x[static_cast<size_t>(inputs[0])].data();
      float* dw = lane.dweights[static_cast<size_t>(weight_.index)].data();
      ForEachRow(tape, [&](int64_t tap, int64_t from, int64_t to, int64_t count) {
        dw[tap] += Dot(x + from, dy + to, count);
      });
    }
    if (flows[0] == Flow::kNone) return;
    std::vector<float>& gradient = lane.dx[static_cast<size_t>(inputs[0])];
    if (flows[0] == Flow::kWrite) std::fill(gradient.begin(), gradient.end(), 0.0F);
    float* dx = gradient.data();
    const float* w = weight_.Values(tape);
    ForEachRow(tape, [&](int64_t tap, int64_t from, int64_t to, int64_t count) {
      const float factor = w[tap];
      float* row = dx + from;
      const float* given = dy + to;
      if (window_.stride[1] == 1) {
        for (int64_t k = 0; k < count; ++k) row[k] += factor * given[k];
      } else {
        for (int64_t k = 0; k < count; ++k) row[k * window_.stride[1]] += factor * given[k];
      }
    });
  }

 private:
  // Calls fn(element of the weight, element of the input, element of the output, count) for each
  // run of windows in a row whose element lies inside the image.
  template <typename Fn>
  void ForEachRow(const Tape& tape, const Fn& fn) const {
    const Dims& in = tape.dims(inputs[0]);
    const Dims& out = tape.dims(output);
    const auto& w = window_;
    for (int64_t c = 0; c < in[1]; ++c) {
      for (int64_t i = 0; i < w.kernel[0]; ++i) {
        for (int64_t j = 0; j < w.kernel[1]; ++j) {
          const int64_t tap = (c * w.kernel[0] + i) * w.kernel[1] + j;
          const int64_t shift = j * w.dilation[1] - w.before[1];
          const int64_t begin = shift >= 0 ? 0 : (-shift + w.stride[1] - 1) / w.stride[1];
          const int64_t end = std::min(
              out[3], in[3] <= shift ? 0 : (in[3] - shift + w.stride[1] - 1) / w.stride[1]);
          if (end <= begin) continue;
          for (int64_t r = 0; r < out[2]; ++r) {
            const int64_t y = r * w.stride[0] + i * w.dilation[0] - w.before[0];
            if (y < 0 || y >= in[2]) continue;
            fn(tap, (c * in[2] + y) * in[3] + begin * w.stride[1] + shift,
               (c * out[2] + r) * out[3] + begin, end - begin);
          }
        }
      }
    }
  }

  [[nodiscard]] float Dot(const float* x, const float* dy, int64_t count) const {
    constexpr int64_t kWidth = 8;
    std::array<float, kWidth> sums{};
    const int64_t stride = window_.stride[1];
    int64_t k = 0;
    if (stride == 1) {
      for (; k + kWidth <= count; k += kWidth) {
        for (int64_t l = 0; l < kWidth; ++l) sums[static_cast<size_t>(l)] += x[k + l] * dy[k + l];
      }
    }
    for (; k < count; ++k) sums[0] += x[k * stride] * dy[k];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  }

  WeightRef weight_;
  WindowGeometry window_;
  std::vector<float> bias_;
};

}  // namespace

std::unique_ptr<TapeNode> MakeDepthwise(const WeightRef& weight, const WindowGeometry& window,
                                        std::vector<float> bias) {
  return std::make_unique<DepthwiseNode>(weight, window, std::move(bias));
}

}  // namespace skiff::quant
