#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/conv/conv.h"

namespace skiff::kernels {
namespace {

constexpr int64_t kPointers = kMaxConvTaps * kMaxConvRows;  // 64 KB of stack
// Enough positions to use a panel of weights often while their inputs stay in L2.
constexpr int64_t kMaxPositions = 384;
// Of gathered rows. They are read again for every panel of weights: from L2, which the processors
// with such kernels have 2 MB of.
constexpr int64_t kMaxGathered = int64_t{512} << 10;

int64_t TapsOf(const ConvRun& run) { return run.geometry.taps_h * run.geometry.taps_w; }

// Bytes from one gathered row to the next: what the kernel reads of one tap, and a cache line, so
// that the rows of a tile do not all fall into the same sets of the cache.
int64_t GatheredStride(const ConvRun& run) {
  constexpr int64_t kLine = 64;
  const int64_t depth = run.groups[0].steps * run.kernel->k_group * ElementBytes(run.kernel->input);
  return (depth + kLine - 1) / kLine * kLine + kLine;
}

// How many positions' pointers, and rows where they are gathered, are ready at a time: whole tiles.
int64_t BlockPositions(const ConvRun& run) {
  int64_t fit = std::min(kPointers / TapsOf(run), kMaxPositions);
  if (GathersRows(run)) fit = std::min(fit, kMaxGathered / (TapsOf(run) * GatheredStride(run)));
  const int64_t rows = run.kernel->rows;
  return std::max(fit / rows * rows, rows);
}

// Are the pointers one stride apart?
bool AreEven(const void* const* rows, int64_t count) {
  if (count < 3) return true;
  const auto at = [&](int64_t r) { return reinterpret_cast<uintptr_t>(rows[r]); };
  const uintptr_t stride = at(1) - at(0);
  for (int64_t r = 2; r < count; ++r) {
    if (at(r) - at(r - 1) != stride) return false;
  }
  return true;
}

// Writes to `scratch` the pointers of `count` positions to the inputs of one group, every group of
// rows one stride apart: copied behind the pointers where they were not.
const void* const* GatherRows(const ConvRun& run, const void* const* rows, int64_t count,
                              int64_t offset, std::byte* scratch) {
  const int64_t tile_rows = run.kernel->rows;
  const int64_t row_group = run.kernel->row_group;
  const int64_t stride = GatheredStride(run);
  const int64_t tiles = (count + tile_rows - 1) / tile_rows;
  const int64_t pointers = tiles * TapsOf(run) * tile_rows;
  const auto** gathered = reinterpret_cast<const void**>(scratch);
  std::byte* to = scratch + pointers * static_cast<int64_t>(sizeof(void*));
  // One turn for every tap of every tile, and the groups of its rows.
  for (int64_t i = 0; i < pointers; i += row_group) {
    const int64_t tile = i / tile_rows / TapsOf(run);
    const int64_t first = tile * tile_rows + i % tile_rows;
    const int64_t valid = std::min(row_group, count - first);
    const bool copy = !AreEven(rows + i, valid);
    for (int64_t r = i; r < i + valid; ++r) {
      const auto* from = static_cast<const std::byte*>(rows[r]) + offset;
      gathered[r] = copy ? to : from;
      if (!copy) continue;
      std::memcpy(to, from, static_cast<size_t>(stride - 64));
      to += stride;
    }
  }
  return gathered;
}

void SetPairs(const PackedConv& packed, int64_t panel, int64_t width, ConvTile* tile) {
  const PreAddedConv& pairs = packed.pairs;
  tile->order = pairs.OrderOf(panel, packed.taps);
  tile->order_tap = pairs.order_tap;
  const int64_t fixup = pairs.fixup_begin[static_cast<size_t>(panel)];
  tile->fixups = pairs.fixups.data() + fixup;
  tile->fixup_count = pairs.fixup_begin[static_cast<size_t>(panel + 1)] - fixup;
  tile->fixup_weights = pairs.fixup_weights.As<int8_t>() + fixup * width * 4;
}

// Panels [panel_begin, panel_end) of one group.
void RunPanels(const ConvRun& run, int64_t group, ConvTile tile, int64_t begin, int64_t panel_begin,
               int64_t panel_end) {
  const Epilogue& e = *run.epilogue;
  const int64_t width = run.kernel->channels;
  const PackedConv& packed = run.groups[static_cast<size_t>(group)];
  const int64_t panel_bytes =
      packed.taps * packed.steps * width * run.kernel->k_group * ElementBytes(run.kernel->input);
  tile.taps = packed.taps;
  tile.steps = packed.steps;
  tile.epilogue = run.epilogue;
  tile.dst_stride = run.dst_stride;
  tile.residual_stride = run.residual_stride;
  for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
    tile.weights = packed.weights.As() + panel * panel_bytes;
    if (packed.start.size() != 0) tile.start = packed.start.As<int32_t>() + panel * width;
    if (run.kernel->pre_add) SetPairs(packed, panel, width, &tile);
    tile.channel = group * packed.out_channels + panel * width;
    tile.channel_count = std::min(width, packed.out_channels - panel * width);
    tile.dst =
        static_cast<char*>(run.dst) + begin * run.dst_stride + tile.channel * ElementBytes(e.store);
    if (run.residual != nullptr) {
      tile.residual = static_cast<const char*>(run.residual) + begin * run.residual_stride +
                      tile.channel * ElementBytes(e.residual);
    }
    run.kernel->run(tile);
  }
}

}  // namespace

bool GathersRows(const ConvRun& run) {
  return run.kernel->row_group > 1 && !IsPointwise(run.geometry);
}

size_t ConvScratchBytes(const ConvRun& run, int64_t positions) {
  if (!GathersRows(run)) return 0;
  const int64_t rows = run.kernel->rows;
  const int64_t block = std::min(BlockPositions(run), (positions + rows - 1) / rows * rows);
  const int64_t row_bytes = static_cast<int64_t>(sizeof(void*)) + GatheredStride(run);
  return static_cast<size_t>((block * TapsOf(run) * row_bytes + 63) / 64 * 64);
}

void RunConvPart(const ConvRun& run, int64_t begin, int64_t end, int64_t panel_begin,
                 int64_t panel_end, std::byte* scratch) {
  std::array<const void*, kPointers> rows;
  const int64_t panels = run.groups[0].panels;
  const int64_t block = BlockPositions(run);
  for (int64_t at = begin; at < end; at += block) {
    ConvTile tile;
    tile.positions = std::min(block, end - at);
    BuildConvRows(run.geometry, run.input, run.zeros, at, at + tile.positions, run.kernel->rows,
                  rows.data());
    for (int64_t p = panel_begin; p < panel_end;) {
      const int64_t group = p / panels;
      const int64_t group_end = std::min((group + 1) * panels, panel_end);
      tile.rows = rows.data();
      tile.row_offset = group * run.group_bytes;
      if (GathersRows(run)) {
        tile.rows = GatherRows(run, rows.data(), tile.positions, tile.row_offset, scratch);
        tile.row_offset = 0;
      }
      RunPanels(run, group, tile, at, p - group * panels, group_end - group * panels);
      p = group_end;
    }
  }
}

}  // namespace skiff::kernels
