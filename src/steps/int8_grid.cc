#include "steps/int8_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace skiff::steps {
namespace {

using kernels::ActivationKind;
using kernels::Epilogue;
using kernels::EpilogueActivation;

EpilogueActivation KernelActivation(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::kLeakyRelu: return EpilogueActivation::kLeakyRelu;
    case ActivationKind::kHardSwish: return EpilogueActivation::kHardSwish;
    case ActivationKind::kHardSigmoid: return EpilogueActivation::kHardSigmoid;
    case ActivationKind::kSigmoid: return EpilogueActivation::kSigmoid;
    case ActivationKind::kSwish: return EpilogueActivation::kSwish;
    case ActivationKind::kTanh: return EpilogueActivation::kTanh;
    case ActivationKind::kNone:
    case ActivationKind::kRelu:
    case ActivationKind::kRelu6:
    case ActivationKind::kClip: break;
  }
  return EpilogueActivation::kClamp;
}

bool CommutesWithScaling(ActivationKind kind) {
  const EpilogueActivation activation = KernelActivation(kind);
  return activation == EpilogueActivation::kClamp || activation == EpilogueActivation::kLeakyRelu;
}

// The clamp that is the activation, on top of the one to the codes. `unit` is what 1 stands for.
void NarrowClamp(const kernels::Activation& activation, double unit, Epilogue* e) {
  const auto scaled = [unit](double real) { return static_cast<float>(real / unit); };
  switch (activation.kind) {
    case ActivationKind::kRelu: e->lo = std::max(e->lo, 0.0F); break;
    case ActivationKind::kRelu6:
      e->lo = std::max(e->lo, 0.0F);
      e->hi = std::min(e->hi, scaled(6));
      break;
    case ActivationKind::kClip:
      e->lo = std::max(e->lo, scaled(activation.alpha));
      e->hi = std::min(e->hi, scaled(activation.beta));
      break;
    default: break;
  }
}

}  // namespace

Status CheckGrid(const CodeGrid& grid, const char* what) {
  const int most = grid.is_unsigned ? 255 : 127;
  if (!(grid.step > 0) || !std::isfinite(grid.step)) {
    return InvalidArgument(std::string(what) + " has the quantisation step " +
                           std::to_string(grid.step) + "; it must be positive");
  }
  if (grid.max_code < 1 || grid.max_code > most) {
    return InvalidArgument(std::string(what) + " has codes up to " + std::to_string(grid.max_code) +
                           "; 1 to " + std::to_string(most) + " are possible");
  }
  return OkStatus();
}

kernels::QuantizeParams QuantizeParamsOf(const CodeGrid& grid) {
  constexpr float kTiny = 1e-30F;  // Paddle keeps 1 / threshold finite below this
  const auto threshold = static_cast<float>(grid.step * grid.max_code);
  const float inverse = threshold <= kTiny ? 1.0F / (threshold + 1e-6F) : 1.0F / threshold;
  const auto most = static_cast<float>(grid.max_code);
  return {.multiplier = most * inverse,
          .lo = static_cast<float>(grid.lowest()),
          .hi = most,
          .half_away = grid.round == RoundMode::kHalfAway};
}

int64_t MaxSum(const CodeGrid& input, int64_t depth) {
  constexpr int64_t kLargestWeight = 128;
  return depth * (input.max_code + 1) * kLargestWeight;
}

OwnedEpilogue MakeEpilogue(const EpilogueSpec& spec) {
  OwnedEpilogue owned;
  Epilogue& e = owned.epilogue;
  const bool commutes = CommutesWithScaling(spec.activation.kind);
  const double out_step = spec.output_is_float ? 1.0 : spec.output.step;
  const double unit = commutes ? out_step : 1.0;
  const auto channels = static_cast<size_t>(spec.channels);
  owned.m.assign(channels + kernels::kEpilogueSlack, 0.0F);
  owned.b.assign(channels + kernels::kEpilogueSlack, 0.0F);
  for (size_t c = 0; c < channels; ++c) {
    const double weight_step = spec.weight_step[spec.weight_step.size() == 1 ? 0 : c];
    owned.m[c] = static_cast<float>(spec.input_step * weight_step / unit);
    if (!spec.bias.empty()) owned.b[c] = static_cast<float>(double{spec.bias[c]} / unit);
  }
  e.m = owned.m.data();
  e.b = owned.b.data();
  e.residual = spec.residual;
  const bool codes = spec.residual != kernels::ResidualType::kF32;
  e.mr = static_cast<float>((codes ? spec.residual_step : 1.0) / unit);
  e.activation = KernelActivation(spec.activation.kind);
  e.alpha = spec.activation.alpha;
  e.beta = spec.activation.beta;
  if (spec.output_is_float) {
    e.store = kernels::StoreType::kF32;
    e.lo = -std::numeric_limits<float>::infinity();
    e.hi = std::numeric_limits<float>::infinity();
  } else {
    const auto most = static_cast<float>(spec.output.max_code);
    e.store = spec.output.is_unsigned ? kernels::StoreType::kU8 : kernels::StoreType::kS8;
    e.lo = static_cast<float>(spec.output.lowest());
    e.hi = most;
    e.half_away = spec.output.round == RoundMode::kHalfAway;
    if (!commutes) e.post = static_cast<float>(1.0 / out_step);
  }
  NarrowClamp(spec.activation, unit, &e);
  kernels::ClampCodes(&e, spec.channels, spec.max_sum);
  return owned;
}

}  // namespace skiff::steps
