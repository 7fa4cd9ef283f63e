#include "ops/fused_activation.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace skiff::ops {
namespace {

struct Row {
  std::string_view name;
  onednn::Activation kind;
  float alpha, beta;  // the defaults
};

using onednn::Activation;

constexpr Row kRows[] = {
    {"", Activation::kNone, 0, 0},
    {"relu", Activation::kRelu, 0, 0},
    {"relu6", Activation::kClip, 6, 0},  // alpha is the upper bound; see MakeFusedActivation
    {"leaky_relu", Activation::kLeakyRelu, 0, 0},
    {"hard_swish", Activation::kHardSwish, 1.0F / 6, 0.5F},
    {"hard_sigmoid", Activation::kHardSigmoid, 0.2F, 0.5F},
    {"sigmoid", Activation::kSigmoid, 0, 0},
    {"swish", Activation::kSwish, 1, 0},
    {"tanh", Activation::kTanh, 0, 0},
    {"gelu", Activation::kGeluErf, 0, 0},
    {"gelu_erf", Activation::kGeluErf, 0, 0},
    {"gelu_tanh", Activation::kGeluTanh, 0, 0},
    {"mish", Activation::kMish, 0, 0},
    {"abs", Activation::kAbs, 0, 0},
    {"sqrt", Activation::kSqrt, 0, 0},
    {"clip", Activation::kClip, 0, 0},
};

bool Near(float a, float b) { return std::fabs(a - b) <= 1e-6F; }

}  // namespace

Result<FusedActivation> MakeFusedActivation(std::string_view name, float alpha, float beta) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const Row& r) { return r.name == name; });
  if (row == std::end(kRows)) return Unsupported("fused activation " + std::string(name));
  FusedActivation activation{row->kind, alpha, beta};
  if (alpha == 0 && beta == 0) activation = {row->kind, row->alpha, row->beta};
  if (name == "relu6") activation = {row->kind, 0, activation.alpha};
  // oneDNN knows this one only.
  if (row->kind == Activation::kHardSwish &&
      !(Near(activation.alpha, row->alpha) && Near(activation.beta, row->beta))) {
    return Unsupported("fused hard_swish with alpha " + std::to_string(alpha) + " and beta " +
                       std::to_string(beta) + " instead of 1/6 and 1/2");
  }
  return activation;
}

Result<FusedActivation> ReadFusedActivation(program::AttributeReader& attributes) {
  std::string name = attributes.String("fuse_activation", "");
  const bool relu = attributes.Bool("fuse_relu", false);
  const float alpha = attributes.Float("fuse_alpha", 0);
  const float beta = attributes.Float("fuse_beta", 0);
  SKIFF_RETURN_IF_ERROR(attributes.status());
  if (name.empty() && relu) name = "relu";
  return MakeFusedActivation(name, alpha, beta);
}

Result<kernels::Activation> ToInt8Activation(const FusedActivation& a) {
  using kernels::ActivationKind;
  switch (a.kind) {
    case Activation::kNone: return kernels::Activation{ActivationKind::kNone, 0, 0};
    case Activation::kRelu: return kernels::Activation{ActivationKind::kRelu, 0, 0};
    case Activation::kLeakyRelu: return kernels::Activation{ActivationKind::kLeakyRelu, a.alpha, 0};
    case Activation::kHardSwish:
      return kernels::Activation{ActivationKind::kHardSwish, a.alpha, a.beta};
    case Activation::kHardSigmoid:
      return kernels::Activation{ActivationKind::kHardSigmoid, a.alpha, a.beta};
    case Activation::kSigmoid: return kernels::Activation{ActivationKind::kSigmoid, 0, 0};
    case Activation::kSwish: return kernels::Activation{ActivationKind::kSwish, a.alpha, 0};
    case Activation::kTanh: return kernels::Activation{ActivationKind::kTanh, 0, 0};
    case Activation::kClip: return kernels::Activation{ActivationKind::kClip, a.alpha, a.beta};
    case Activation::kGeluErf:
    case Activation::kGeluTanh:
    case Activation::kMish:
    case Activation::kAbs:
    case Activation::kSqrt: break;
  }
  return Unsupported("this fused activation has no INT8 kernel");
}

double ApplyActivationRef(const FusedActivation& a, double x) {
  switch (a.kind) {
    case Activation::kNone: return x;
    case Activation::kRelu: return std::max(x, 0.0);
    case Activation::kLeakyRelu: return x < 0 ? a.alpha * x : x;
    case Activation::kHardSwish: return x * std::clamp(a.alpha * x + a.beta, 0.0, 1.0);
    case Activation::kHardSigmoid: return std::clamp(a.alpha * x + a.beta, 0.0, 1.0);
    case Activation::kSigmoid: return 1 / (1 + std::exp(-x));
    case Activation::kSwish: return x / (1 + std::exp(-a.alpha * x));
    case Activation::kTanh: return std::tanh(x);
    case Activation::kGeluErf: return 0.5 * x * (1 + std::erf(x * M_SQRT1_2));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(M_2_SQRTPI * M_SQRT1_2 * (x + 0.044715 * x * x * x)));
    case Activation::kMish: return x * std::tanh(std::log1p(std::exp(x)));
    case Activation::kAbs: return std::fabs(x);
    case Activation::kSqrt: return std::sqrt(x);
    case Activation::kClip: return std::clamp(x, double{a.alpha}, double{a.beta});
  }
  return x;
}

}  // namespace skiff::ops
