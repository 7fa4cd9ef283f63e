// The kinds of epilogue that the loops of kernels are compiled for: those that convolutional nets
// are made of. ForCodes and its like choose among them, once for many tiles. Internal linkage only.
#pragma once

#include "kernels/epilogue/epilogue.h"
#include "kernels/inline.h"

namespace skiff::kernels {
namespace {

// An epilogue that leaves codes: of hard_swish, or only clamped, which may be done after rounding
// (Epilogue::clamps_codes) unless a float is added.
template <StoreType kStoreType, ResidualType kResidualType, bool kRoundsHalfAway,
          EpilogueActivation kActivation = EpilogueActivation::kClamp>
struct KindOf {
  static constexpr bool kUnsigned = kStoreType == StoreType::kU8;
  static constexpr ResidualType kResidual = kResidualType;
  static constexpr bool kHasResidual = kResidual != ResidualType::kNone;
  static constexpr int64_t kResidualBytes = ElementBytes(kResidual);  // of one
  static constexpr bool kHalfAway = kRoundsHalfAway;
  static constexpr bool kHardSwish = kActivation == EpilogueActivation::kHardSwish;
  static constexpr bool kClampsFloats = kResidual == ResidualType::kF32 || kHardSwish;
};

// Calls run(KindOf<...>()) with the epilogue's way of rounding.
template <StoreType kStore, ResidualType kResidual,
          EpilogueActivation kActivation = EpilogueActivation::kClamp, typename Run>
SKIFF_INLINE void ForRounding(const Epilogue& e, Run run) {
  if (e.half_away) {
    run(KindOf<kStore, kResidual, true, kActivation>());
  } else {
    run(KindOf<kStore, kResidual, false, kActivation>());
  }
}

// Calls run(KindOf<...>()) if the epilogue leaves s8 codes of hard_swish, which has both signs,
// and tells.
template <typename Run>
SKIFF_INLINE bool ForHardSwish(const Epilogue& e, Run run) {
  if (e.activation != EpilogueActivation::kHardSwish || e.residual != ResidualType::kNone ||
      e.store != StoreType::kS8) {
    return false;
  }
  ForRounding<StoreType::kS8, ResidualType::kNone, EpilogueActivation::kHardSwish>(e, run);
  return true;
}

// Calls run(KindOf<...>()) if the epilogue leaves u8 codes of sums alone, and tells.
template <typename Run>
SKIFF_INLINE bool ForPlainU8(const Epilogue& e, Run run) {
  if (!e.clamps_codes || e.residual != ResidualType::kNone || e.store != StoreType::kU8) {
    return false;
  }
  ForRounding<StoreType::kU8, ResidualType::kNone>(e, run);
  return true;
}

// u8 or s8.
template <typename Run>
SKIFF_INLINE bool ForPlainCodes(const Epilogue& e, Run run) {
  if (ForPlainU8(e, run)) return true;
  if (!e.clamps_codes || e.residual != ResidualType::kNone) return false;
  ForRounding<StoreType::kS8, ResidualType::kNone>(e, run);
  return true;
}

// What depthwise convolutions leave: those of hard_swish nets read what hard_swish left as well.
template <bool kInputIsUnsigned, typename Run>
SKIFF_INLINE bool ForDepthwiseCodes(const Epilogue& e, Run run) {
  if constexpr (kInputIsUnsigned) {
    return ForPlainU8(e, run);
  } else {
    return ForHardSwish(e, run);
  }
}

// u8 codes of sums and of residuals in u8.
template <typename Run>
SKIFF_INLINE bool ForU8Residual(const Epilogue& e, Run run) {
  if (!e.clamps_codes || e.residual != ResidualType::kU8 || e.store != StoreType::kU8) return false;
  ForRounding<StoreType::kU8, ResidualType::kU8>(e, run);
  return true;
}

// Leaves floats that are only clamped?
SKIFF_INLINE bool LeavesClampedFloats(const Epilogue& e) {
  return e.store == StoreType::kF32 && e.residual == ResidualType::kNone &&
         e.activation == EpilogueActivation::kClamp;
}

// Of hard_swish, or with the residuals that nets add as well; those of u8 and float do not end in
// s8 codes there.
template <typename Run>
SKIFF_INLINE bool ForCodes(const Epilogue& e, Run run) {
  if (ForPlainCodes(e, run) || ForHardSwish(e, run) || ForU8Residual(e, run)) return true;
  const bool u8 = e.store == StoreType::kU8;
  if (e.residual == ResidualType::kS8 && e.clamps_codes && !u8) {
    ForRounding<StoreType::kS8, ResidualType::kS8>(e, run);
  } else if (e.residual == ResidualType::kS8 && e.clamps_codes) {
    ForRounding<StoreType::kU8, ResidualType::kS8>(e, run);
  } else if (e.residual == ResidualType::kF32 && e.activation == EpilogueActivation::kClamp && u8) {
    ForRounding<StoreType::kU8, ResidualType::kF32>(e, run);
  } else {
    return false;
  }
  return true;
}

}  // namespace
}  // namespace skiff::kernels
