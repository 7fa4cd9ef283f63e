// A compiled oneDNN computation for fixed extents: the room's product. oneDNN's own types and
// exceptions stay inside the room.
//
// Thread-safety: a Primitive is used by one thread at a time (it holds the addresses of the run);
// compiled code is shared by oneDNN's own cache, so that one per thread costs little.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/status.h"

namespace skiff::onednn {

enum class Activation {
  kNone,
  kRelu,
  kLeakyRelu,    // x < 0 ? alpha x : x
  kHardSwish,    // x clamp(x / 6 + 1 / 2, 0, 1)
  kHardSigmoid,  // clamp(alpha x + beta, 0, 1)
  kSigmoid,
  kSwish,  // x sigmoid(alpha x)
  kTanh,
  kGeluErf,
  kGeluTanh,
  kMish,
  kAbs,
  kSqrt,
  kClip,  // clamp to [alpha, beta]
};

// What happens to a sum of products before it is stored, in this order.
struct Epilogue {
  float scale = 1;        // multiplies the sum; not together with a bias
  bool residual = false;  // adds what `dst` held before the run
  Activation activation = Activation::kNone;
  float alpha = 0;
  float beta = 0;
};

// What a primitive's activations are stored as; kBfloat16 needs MultipliesBfloat16. Sums, biases
// and epilogues are float32 either way, weights are stored as what they are multiplied with.
enum class Storage { kFloat32, kBfloat16 };
struct Storages {
  Storage src = Storage::kFloat32;
  Storage dst = Storage::kFloat32;  // kBfloat16 only with such a src
};

class Primitive {
 public:
  struct Buffers {
    const void* src = nullptr;
    const void* weights = nullptr;  // the right operand where it is no constant
    void* dst = nullptr;
    void* scratchpad = nullptr;  // scratchpad_bytes() bytes, 64-byte aligned
  };

  struct Impl;
  explicit Primitive(std::unique_ptr<Impl> impl);
  ~Primitive();

  [[nodiscard]] size_t scratchpad_bytes() const;
  [[nodiscard]] const std::string& kernel() const;  // oneDNN's name: "jit_1x1:avx2"

  // `threads` is the number that the primitive was made for.
  [[nodiscard]] Status Execute(const Buffers& buffers, int threads) noexcept;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace skiff::onednn
