// The activations that work in real units, as plain loops that every rung compiles for itself (one
// polynomial, no fma: kernels/math). Internal linkage only.
#pragma once

#include "kernels/epilogue/epilogue.h"
#include "kernels/math/math.h"

namespace skiff::kernels {

// y[i] = activation(y[i]) * post, for activations after kLeakyRelu; leaky_relu without `post`.
static inline __attribute__((always_inline)) void Activate(const Epilogue& e, float* y, int n) {
  using math::Clamp;
  const float alpha = e.alpha;
  const float beta = e.beta;
  const float post = e.post;
  switch (e.activation) {
    case EpilogueActivation::kClamp: break;
    case EpilogueActivation::kLeakyRelu:
      for (int i = 0; i < n; ++i) y[i] = y[i] > 0.0F ? y[i] : y[i] * alpha;
      break;
    case EpilogueActivation::kHardSwish:
      for (int i = 0; i < n; ++i) y[i] = y[i] * Clamp(alpha * y[i] + beta, 0.0F, 1.0F) * post;
      break;
    case EpilogueActivation::kHardSigmoid:
      for (int i = 0; i < n; ++i) y[i] = Clamp(alpha * y[i] + beta, 0.0F, 1.0F) * post;
      break;
    case EpilogueActivation::kSigmoid:
      for (int i = 0; i < n; ++i) y[i] = math::Sigmoid(y[i]) * post;
      break;
    case EpilogueActivation::kSwish:
      for (int i = 0; i < n; ++i) y[i] = y[i] * math::Sigmoid(alpha * y[i]) * post;
      break;
    case EpilogueActivation::kTanh:
      for (int i = 0; i < n; ++i) y[i] = math::Tanh(y[i]) * post;
      break;
  }
}

}  // namespace skiff::kernels
