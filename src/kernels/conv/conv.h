// INT8 convolution as an implicit matrix product: NHWC in, NHWC out, weights packed once.
//
// A kernel computes tiles of `rows` output positions x `channels` output channels. For every tap it
// is given one pointer per position, at the input that the tap covers there (a row of zeros where
// the tap lies in the padding), and walks `steps` groups of `k_group` neighbouring inputs from it.
// Inputs past the last channel of a tap meet weights of zero, so up to 63 bytes past the end of the
// input are read. Weights are packed [panel][tap][step][channels][k_group], s8 for k_group 4, s16
// for widened input, the steps of a tap filled up with zeros to a multiple of `step_block`. Sums
// are exact in s32 as long as MaxConvDepth is kept.
// Thread-safety: all functions may be called from any thread; nothing is shared but const data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "base/isa.h"
#include "kernels/conv/conv_preadd.h"
#include "kernels/conv/conv_tile.h"
#include "kernels/epilogue/epilogue.h"

namespace skiff::kernels {

struct ConvKernel {
  const char* name;  // "conv_u7s8_4x16_avx2"
  Isa isa;
  ConvInput input;
  int rows;      // output positions of a tile, at most kMaxConvRows
  int channels;  // output channels of a tile and of a panel of weights
  int k_group;   // inputs of one step
  int step_block;
  // The pointers of so many rows of a tile have to lie one stride apart; 1: they lie anywhere.
  int row_group;
  bool any_rows;  // takes tiles of fewer rows: any even number, half of them a group
  bool pre_add;   // adds two products in s16: the weights are packed so that this cannot overflow
  ConvTileFn run;
};

inline constexpr int kMaxConvRows = 32;

// Every kernel of the list, best first.
std::span<const ConvKernel> ConvKernels();

// What a convolution asks of its kernel.
struct ConvNeed {
  bool is_unsigned = true;
  int max_code = 127;
  int64_t tap_depth = 1;  // inputs of one tap
  bool may_pre_add = true;
};
// The best one that may run under `isa`; never null.
const ConvKernel* FindConvKernel(const ConvNeed& need, Isa isa);

// All that may run, the one that FindConvKernel takes first. They write the same bytes. The plain
// loops of kScalar are among them only where nothing else is.
std::vector<const ConvKernel*> FindConvKernels(const ConvNeed& need, Isa isa);

// Bytes of one input element as the kernel reads it.
constexpr int64_t ElementBytes(ConvInput input) { return input == ConvInput::kS16 ? 2 : 1; }

// The largest number of products in one sum: (max_code + 1) * 128 * depth stays below 2^31 (signed
// codes and weights may be -128).
constexpr int64_t MaxConvDepth(int max_code) { return INT32_MAX / (int64_t{max_code + 1} * 128); }

// The weights of all panels of one group.
struct PackedConv {
  int64_t out_channels = 0;
  int64_t taps = 0;
  int64_t steps = 0;  // per tap
  int64_t panels = 0;
  AlignedBuffer weights;
  AlignedBuffer start;  // [panel][channels] of s32, for kernels that read s8
  PreAddedConv pairs;   // for kernels that pre-add
};

// Weights as they lie in the file: the one of output channel o, tap t and input
// k = outer * inner_depth + inner is data[o * stride_o + t * stride_tap + outer * stride_outer +
// inner * stride_inner].
struct ConvFilter {
  const int8_t* data = nullptr;
  int64_t out_channels = 0;
  int64_t taps = 1;
  int64_t outer_depth = 1;  // 1, or the taps of a row that are read as one run of inputs
  int64_t inner_depth = 0;
  int64_t stride_o = 0;
  int64_t stride_tap = 0;
  int64_t stride_outer = 0;
  int64_t stride_inner = 1;
};
PackedConv PackConv(const ConvKernel& kernel, const ConvFilter& filter);

// Codes of an activation in the place of weights, of one tap: the one of output channel o and input
// k is data[o * depth + k] where the inputs lie together, data[k * out_channels + o] elsewhere. Up
// to 15 bytes past the last are read.
struct ConvCodes {
  const int8_t* data = nullptr;
  int64_t out_channels = 0;
  int64_t depth = 0;
  bool inputs_lie_together = false;
};
// Memory for such weights. REQUIRES: the kernel does not pre-add.
PackedConv AllocateConv(const ConvKernel& kernel, int64_t out_channels, int64_t depth);
// Panels [panel_begin, panel_end) of `codes` into what AllocateConv made for their extents.
// Allocates nothing.
void PackCodes(const ConvKernel& kernel, const ConvCodes& codes, int64_t panel_begin,
               int64_t panel_end, PackedConv* packed);

// Where the taps lie: the input as the kernel reads it (the widened copy for kS16).
struct ConvGeometry {
  int64_t in_h = 0, in_w = 0;
  int64_t pixel_bytes = 0;  // from one pixel of a row to the next
  int64_t out_h = 0, out_w = 0;
  int64_t taps_h = 1, taps_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0;
};

// Every input pixel is an output position.
bool IsPointwise(const ConvGeometry& geometry);

// Pointers for the output positions [begin, end) (image, row, column flattened), tile by tile:
// rows[tile][tap][tile rows]. `zeros` must hold pixel_bytes and slack.
void BuildConvRows(const ConvGeometry& geometry, const void* input, const void* zeros,
                   int64_t begin, int64_t end, int tile_rows, const void** rows);

// The taps of the same tiles that any of their positions finds in the picture, whole rows of taps.
// Returns whether a tile lacks any.
bool FindTileTaps(const ConvGeometry& geometry, int64_t begin, int64_t end, int64_t tile_rows,
                  ConvTaps* taps);

// One convolution over given memory. All groups have as many panels, counted through the groups.
struct ConvRun {
  const ConvKernel* kernel = nullptr;
  ConvGeometry geometry;
  std::span<const PackedConv> groups;
  int64_t group_bytes = 0;  // from one group's input channels to the next
  const void* input = nullptr;
  const void* zeros = nullptr;
  const Epilogue* epilogue = nullptr;
  void* dst = nullptr;  // of the position dst_begin
  int64_t dst_begin = 0;
  int64_t dst_stride = 0;          // bytes between positions
  const void* residual = nullptr;  // of the position residual_begin
  int64_t residual_begin = 0;
  int64_t residual_stride = 0;
  // Weights that whatever runs next reads first: may be fetched. Null: unknown.
  const void* next_weights = nullptr;
};
// The widest kernel that RunConvPart can take: its pointers lie on the stack.
inline constexpr int64_t kMaxConvTaps = 256;
// Does the kernel want rows where they do not lie in the input? Then RunConvPart gathers them, once
// for all panels that it is given.
bool GathersRows(const ConvRun& run);
// What RunConvPart needs to gather the rows of up to `positions` output positions, 64-byte aligned;
// 0 where it gathers none.
size_t ConvScratchBytes(const ConvRun& run, int64_t positions);
// Output positions [begin, end) of panels [panel_begin, panel_end).
void RunConvPart(const ConvRun& run, int64_t begin, int64_t end, int64_t panel_begin,
                 int64_t panel_end, std::byte* scratch);

// The specification: plain loops over the definition.
struct ConvShape {
  int64_t images = 1;
  int64_t in_h = 1, in_w = 1, in_channels = 1;
  int64_t out_h = 1, out_w = 1, out_channels = 1;
  int64_t groups = 1;
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0;
};
// src: NHWC codes, u8 or s8; filter: O, I / groups, H, W; residual and dst: NHWC, as in `epilogue`.
void ConvRef(const ConvShape& shape, bool src_is_unsigned, const void* src, const int8_t* filter,
             const Epilogue& epilogue, const void* residual, void* dst);

}  // namespace skiff::kernels
