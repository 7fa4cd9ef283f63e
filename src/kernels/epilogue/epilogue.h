// The epilogue: what every INT8 kernel does with its s32 sums. Plain data, read by all rungs.
//
// For the sum `acc` of output channel c at one output position:
//   y = fma(float(acc), m[c], b[c])
//   y = fma(float(r), mr, y)                     when there is a residual r (code or float)
//   y = activation(y)
//   f32:   stored as y clamped to [lo, hi]; NaN stays NaN
//   codes: y clamped to [lo, hi] in float, NaN becoming lo, then rounded by `round` and stored
// none, relu, relu6, clip and leaky_relu commute with a positive scale: 1 / (output step) is folded
// into m, b, mr, lo and hi, and all but leaky_relu are the clamp alone. The others work in real
// units and are followed by one multiplication by `post` = float(1 / output step).
// float(acc) rounds to nearest even where |acc| > 2^24. MakeEpilogue (steps/) computes the numbers:
// every multiplier is a product of steps in double, rounded once to float.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skiff::kernels {

// Parameters as Paddle's fuse_alpha and fuse_beta.
enum class ActivationKind : int32_t {
  kNone,
  kRelu,
  kRelu6,        // min(max(x, 0), 6)
  kLeakyRelu,    // x > 0 ? x : alpha * x
  kClip,         // min(max(x, alpha), beta)
  kHardSwish,    // x * min(max(alpha * x + beta, 0), 1); Paddle: alpha 1/6, beta 0.5
  kHardSigmoid,  // min(max(alpha * x + beta, 0), 1)
  kSigmoid,
  kSwish,  // x * sigmoid(alpha * x); Paddle's operator: alpha 1
  kTanh,
};

struct Activation {
  ActivationKind kind = ActivationKind::kNone;
  float alpha = 0;
  float beta = 0;
};

enum class ResidualType : int32_t { kNone, kU8, kS8, kF32 };
enum class StoreType : int32_t { kU8, kS8, kF32 };

// What the kernel has left to do between the multiply-add and the store.
enum class EpilogueActivation : int32_t {
  kClamp,  // nothing: the clamp is the activation
  kLeakyRelu,
  kHardSwish,
  kHardSigmoid,
  kSigmoid,
  kSwish,
  kTanh,
};

struct Epilogue {
  // Per output channel; readable kEpilogueSlack floats past the last.
  const float* m = nullptr;
  const float* b = nullptr;
  float mr = 0;
  ResidualType residual = ResidualType::kNone;
  EpilogueActivation activation = EpilogueActivation::kClamp;
  float alpha = 0;
  float beta = 0;
  float post = 1;  // used by activations in real units only
  StoreType store = StoreType::kU8;
  bool half_away = false;  // rounds half away from zero instead of half to even
  float lo = 0;
  float hi = 0;
  // Set by ClampCodes: [lo, hi] may be applied to the rounded codes, as these bytes. The lo of u8
  // is 0 then, which packing applies.
  bool clamps_codes = false;
  int16_t lo_code = 0;
  int16_t hi_code = 0;
};

// Sets clamps_codes where it changes nothing: rounding is monotone, so that the clamp may come
// after it, as long as no value leaves s32 in between. That is so for every sum of magnitude
// `max_sum` at most when the multipliers of `channels` channels are of a usual size; a NaN becomes
// the lowest s32 and so `lo`.
void ClampCodes(Epilogue* epilogue, int64_t channels, int64_t max_sum);

static constexpr int64_t ElementBytes(StoreType store) { return store == StoreType::kF32 ? 4 : 1; }
static constexpr int64_t ElementBytes(ResidualType residual) {
  return residual == ResidualType::kF32 ? 4 : 1;
}

inline constexpr int64_t kEpilogueSlack = 64;

// Where the epilogue of some output positions, `n` channels each, reads and writes. `residual` and
// `dst` point at the first position's first channel, the strides are in bytes.
struct EpilogueRows {
  int64_t channel = 0;
  int64_t n = 16;
  // m and b of a block of channels in the order of its sums, for kernels that are given them.
  const float* factors = nullptr;
  const void* residual = nullptr;
  int64_t residual_stride = 0;
  void* dst = nullptr;
  int64_t dst_stride = 0;
};

// One row of the specification: dst[i] for the channels [channel, channel + n). `residual` and
// `dst` point at the first of them and are typed by the epilogue.
void ApplyEpilogueRef(const Epilogue& e, const int32_t* acc, int64_t channel, int64_t n,
                      const void* residual, void* dst);

}  // namespace skiff::kernels
