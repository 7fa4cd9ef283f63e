// How the steps of a convolution's panels are paired for kernels that add two products in s16
// before they widen them (ConvKernel::pre_add).
//
// In a pair of steps one s16 lane holds x0 w0 + x1 w1 + x2 w2 + x3 w3 with codes x <= 127, so it is
// safe exactly when neither the positive nor the negative weights of the lane pass 32767 / 127.
// Steps that are not safe beside their neighbour are paired with others; what is left of them has
// weights taken out, which the kernel adds on their own (ConvFixup).
// Thread-safety: as a plain object.
#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "kernels/conv/conv_tile.h"

namespace skiff::kernels {

struct PreAddedConv {
  // Where in a tap the inputs of each step of the weights lie, in bytes: [steps] for all taps of
  // all panels, or [panel][tap][steps].
  std::vector<int32_t> order;
  int64_t order_tap = 0;             // elements from one tap to the next
  std::vector<ConvFixup> fixups;     // of all panels
  std::vector<int64_t> fixup_begin;  // panels + 1 offsets into `fixups`
  AlignedBuffer fixup_weights;       // [fixup][channels][4]

  [[nodiscard]] const int32_t* OrderOf(int64_t panel, int64_t taps) const {
    return order.data() + panel * taps * order_tap;
  }
};

class PreAddPairs {
 public:
  // step_bytes: of the weights of one step, 4 a channel.
  PreAddPairs(int64_t taps, int64_t steps, int64_t step_bytes);

  // Reorders and mends the next panel, [tap][step][channels][4].
  void AddPanel(int8_t* weights);

  PreAddedConv Finish() &&;

 private:
  [[nodiscard]] bool IsUnsafe(const int8_t* tap, int64_t pair) const;
  std::vector<int64_t> PairTap(int8_t* weights, int32_t* order);
  [[nodiscard]] bool Swaps(int8_t* weights, int32_t* order, int64_t pair, int64_t other) const;
  void Repair(int8_t* weights, int32_t tap, const int32_t* offsets);
  void AddFixup(const std::vector<int8_t>& taken, ConvFixup fixup);

  int64_t taps_;
  int64_t steps_;
  int64_t step_bytes_;
  bool reordered_ = false;
  int64_t failures_ = 0;  // of the search for partners
  int64_t successes_ = 0;
  PreAddedConv made_;
  std::vector<int8_t> fixup_weights_;
};

}  // namespace skiff::kernels
