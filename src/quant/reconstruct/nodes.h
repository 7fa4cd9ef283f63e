// The operators that a Tape can hold. Each factory's node reads the values and weights of its
// AddNode, in the order that its comment gives.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "quant/reconstruct/tape.h"

namespace skiff::quant {

// Where a convolution or product finds its weight: one of the tape's, or a constant that outlives
// the node.
struct WeightRef {
  int index = -1;
  const float* constant = nullptr;

  [[nodiscard]] const float* Values(const Tape& tape) const {
    return index < 0 ? constant : tape.weights[static_cast<size_t>(index)].values;
  }
};

struct WindowGeometry {
  std::array<int64_t, 2> kernel{1, 1};  // height, width; so are the others
  std::array<int64_t, 2> stride{1, 1};
  std::array<int64_t, 2> dilation{1, 1};
  std::array<int64_t, 2> before{0, 0};  // padding
  std::array<int64_t, 2> after{0, 0};
};

// x -> y. Weight [O, I / groups, kh, kw]; `bias`: one value for each output channel, or empty.
std::unique_ptr<TapeNode> MakeConvolution(const WeightRef& weight, const WindowGeometry& window,
                                          int64_t groups, std::vector<float> bias);
// The same where each of the C groups is one channel in and one out.
std::unique_ptr<TapeNode> MakeDepthwise(const WeightRef& weight, const WindowGeometry& window,
                                        std::vector<float> bias);

// x as [rows, K] -> y [rows, N]. Weight [K, N], or [N, K] when transposed; `bias`: N values or
// none.
std::unique_ptr<TapeNode> MakeProduct(const WeightRef& weight, int64_t k, int64_t n,
                                      bool transposed, std::vector<float> bias);

// x -> x rounded as rounder `index` says, but for the elements that are dropped.
std::unique_ptr<TapeNode> MakeRounding(int index);

struct ActivationFunction {
  enum class Kind : uint8_t {
    kClip,         // clamp(x, a, b)
    kLeaky,        // x < 0 ? a x : x
    kHardSwish,    // x clamp(x + a, 0, b) / c
    kHardSigmoid,  // clamp(a x + b, 0, 1)
    kSigmoid,
    kSwish,  // x sigmoid(a x)
    kTanh,
    kAffine,  // a x + b
  };
  Kind kind = Kind::kAffine;
  float a = 1;
  float b = 0;
  float c = 1;
};
std::unique_ptr<TapeNode> MakeActivation(const ActivationFunction& function);

// The second operand of a binary operator, or a vector of channels: element (i, j, k) of the first,
// seen as [outer, count, inner], meets element j.
struct Broadcast {
  int64_t outer = 1;
  int64_t count = 1;
  int64_t inner = 1;
};
// x, y -> x + y, x - y or x * y.
enum class BinaryKind : uint8_t { kAdd, kSubtract, kMultiply };
std::unique_ptr<TapeNode> MakeBinary(BinaryKind kind, const Broadcast& broadcast);
// x -> x * factor[j] + term[j].
std::unique_ptr<TapeNode> MakeChannelAffine(const Broadcast& broadcast, std::vector<float> factor,
                                            std::vector<float> term);

struct PoolGeometry {
  bool average = false;
  bool adaptive = false;  // window i is [floor(i H / OH), ceil((i + 1) H / OH))
  bool exclusive = true;  // an average counts elements inside the image only
  WindowGeometry window;  // dilation 1
};
// x -> y.
std::unique_ptr<TapeNode> MakePool(const PoolGeometry& pool);

}  // namespace skiff::quant
