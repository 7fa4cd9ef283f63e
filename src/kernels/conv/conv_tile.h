// What a convolution kernel is called with. Plain data, read by all rungs.
#pragma once

#include <cstdint>

#include "kernels/epilogue/epilogue.h"

namespace skiff::kernels {

// What a kernel reads.
enum class ConvInput : int32_t {
  kU7,   // u8 codes 0..127: two products fit in s16
  kU8,   // u8 codes 0..255
  kS8,   // s8 codes
  kS16,  // codes of any grid, widened to s16
};

// Weights taken out of a pre-added pair of steps because their sum might have left s16; the kernel
// adds them on their own.
struct ConvFixup {
  int32_t tap;
  int32_t offset;  // of the step's inputs in the tap, in bytes
};

// Taps [begin, end), at least one.
struct ConvTaps {
  int32_t begin;
  int32_t end;
};

struct ConvTile {
  // See BuildConvRows; missing rows of the last tile are not read. A kernel with a row_group reads
  // the pointers of a group's first two rows and takes the others to follow.
  const void* const* rows = nullptr;
  // Positions whose pointers lie together: the kernel's rows, or fewer for one that takes any_rows.
  int64_t tile_rows = 0;
  int64_t row_offset = 0;  // bytes added to every pointer: a group's first channel
  int64_t positions = 0;   // output positions, any number
  int64_t taps = 0;
  // For each tile_rows positions those taps that lie in the picture for any of them; the others add
  // zeros. Null: all. A kernel may take no notice.
  const ConvTaps* tile_taps = nullptr;
  int64_t steps = 0;
  const void* weights = nullptr;  // one panel
  // How many bytes further the next one is that will be used, of this layer or of another; 0: none.
  int64_t next_panel = 0;
  // Per channel of the panel, -128 times the sum of its weights: what the sums of a kernel that
  // reads s8 codes as code + 128 start from.
  const int32_t* start = nullptr;
  // For kernels that pre-add: where the inputs of each step lie in the tap, in bytes, and how many
  // elements further the next tap's are (PreAddedConv).
  const int32_t* order = nullptr;
  int64_t order_tap = 0;
  const ConvFixup* fixups = nullptr;
  int64_t fixup_count = 0;
  const int8_t* fixup_weights = nullptr;
  const Epilogue* epilogue = nullptr;
  int64_t channel = 0;        // the panel's first output channel, for the epilogue's arrays
  int64_t channel_count = 0;  // those of the panel that exist
  void* dst = nullptr;        // the first position's first channel
  int64_t dst_stride = 0;     // bytes between positions
  const void* residual = nullptr;
  int64_t residual_stride = 0;
};

// Where the epilogue of positions from `first` on reads and writes.
static inline EpilogueRows RowsFrom(const ConvTile& t, int64_t first) {
  EpilogueRows rows;
  rows.channel = t.channel;
  rows.n = t.channel_count;
  rows.residual = static_cast<const char*>(t.residual) + first * t.residual_stride;
  rows.residual_stride = t.residual_stride;
  rows.dst = static_cast<char*>(t.dst) + first * t.dst_stride;
  rows.dst_stride = t.dst_stride;
  return rows;
}

using ConvTileFn = void (*)(const ConvTile& tile);

}  // namespace skiff::kernels
