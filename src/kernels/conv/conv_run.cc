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

// A panel of weights that is fetched while another is used: both have to fit in L2, with inputs.
constexpr int64_t kMaxFetched = int64_t{384} << 10;

int64_t TapsOf(const ConvRun& run) { return run.geometry.taps_h * run.geometry.taps_w; }

// Bytes from one gathered row to the next: what the kernel reads of one tap, and a cache line, so
// that the rows of a tile do not all fall into the same sets of the cache.
int64_t GatheredStride(const ConvRun& run) {
  constexpr int64_t kLine = 64;
  const int64_t depth = run.groups[0].steps * run.kernel->k_group * ElementBytes(run.kernel->input);
  return (depth + kLine - 1) / kLine * kLine + kLine;
}

// The positions of a group of rows that never spans two rows of the output, so that its pointers
// are one stride apart wherever they do not meet padding; 0 where a kernel's groups would be too
// small.
int64_t GroupInOneRow(const ConvRun& run) {
  const int64_t most = run.kernel->row_group;
  const int64_t out_w = run.geometry.out_w;
  const int64_t groups = (out_w + most - 1) / most;
  const int64_t group = out_w / groups;
  const bool fits = run.kernel->any_rows && group * groups == out_w && 4 * group >= 3 * most;
  return fits && GathersRows(run) ? group : 0;
}

// How many positions' pointers, and rows where they are gathered, are ready at a time: whole tiles.
int64_t BlockPositions(const ConvRun& run) {
  int64_t fit = std::min(kPointers / TapsOf(run), kMaxPositions);
  if (GathersRows(run)) fit = std::min(fit, kMaxGathered / (TapsOf(run) * GatheredStride(run)));
  const int64_t group = GroupInOneRow(run);
  const int64_t rows = group != 0 ? 2 * group : run.kernel->rows;
  return std::max(fit / rows * rows, rows);
}

// The rows of a tile when `positions` are computed together. A last tile of few takes nearly as
// long as a whole one, because its products wait for each other: all have equally many, if they
// can.
int64_t TileRows(const ConvRun& run, int64_t positions) {
  const int64_t rows = run.kernel->rows;
  if (!run.kernel->any_rows || positions <= run.kernel->row_group) return rows;
  const int64_t group = GroupInOneRow(run);
  if (group != 0) return 2 * group;
  const int64_t tiles = (positions + rows - 1) / rows;
  return (positions + 2 * tiles - 1) / (2 * tiles) * 2;
}

// Of the pointers to gathered rows, which begin behind them at a cache line.
int64_t PointerBytes(int64_t pointers) {
  return (pointers * static_cast<int64_t>(sizeof(void*)) + 63) / 64 * 64;
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
const void* const* GatherRows(const ConvRun& run, const void* const* rows, int64_t tile_rows,
                              int64_t count, int64_t offset, std::byte* scratch) {
  const int64_t row_group = run.kernel->any_rows ? tile_rows / 2 : run.kernel->row_group;
  const int64_t stride = GatheredStride(run);
  const int64_t tiles = (count + tile_rows - 1) / tile_rows;
  const int64_t pointers = tiles * TapsOf(run) * tile_rows;
  const auto** gathered = reinterpret_cast<const void**>(scratch);
  std::byte* to = scratch + PointerBytes(pointers);
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

int64_t BytesBetween(const void* from, const void* to) {
  return static_cast<int64_t>(reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(from));
}

// Panels [panel_begin, panel_end) of one group, and then `next`, which may be null.
void RunPanels(const ConvRun& run, int64_t group, ConvTile tile, int64_t begin, int64_t panel_begin,
               int64_t panel_end, const void* next) {
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
    tile.next_panel = 0;
    if (panel_bytes <= kMaxFetched) {
      if (panel + 1 < panel_end) tile.next_panel = panel_bytes;
      if (panel + 1 == panel_end && next) tile.next_panel = BytesBetween(tile.weights, next);
    }
    if (packed.start.size() != 0) tile.start = packed.start.As<int32_t>() + panel * width;
    if (run.kernel->pre_add) SetPairs(packed, panel, width, &tile);
    tile.channel = group * packed.out_channels + panel * width;
    tile.channel_count = std::min(width, packed.out_channels - panel * width);
    tile.dst = static_cast<char*>(run.dst) + (begin - run.dst_begin) * run.dst_stride +
               tile.channel * ElementBytes(e.store);
    if (run.residual != nullptr) {
      tile.residual = static_cast<const char*>(run.residual) +
                      (begin - run.residual_begin) * run.residual_stride +
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
  // Whole tiles of fewer rows than the kernel's are not more rows.
  const int64_t tile = run.kernel->rows;
  const int64_t rows = std::min(BlockPositions(run), positions + tile - 1) * TapsOf(run);
  return static_cast<size_t>(PointerBytes(rows) + rows * GatheredStride(run));
}

void RunConvPart(const ConvRun& run, int64_t begin, int64_t end, int64_t panel_begin,
                 int64_t panel_end, std::byte* scratch) {
  std::array<const void*, kPointers> rows;
  std::array<ConvTaps, kMaxPositions> taps;
  const int64_t panels = run.groups[0].panels;
  const int64_t block = BlockPositions(run);
  for (int64_t at = begin; at < end; at += block) {
    ConvTile tile;
    tile.positions = std::min(block, end - at);
    tile.tile_rows = TileRows(run, tile.positions);
    BuildConvRows(run.geometry, run.input, run.zeros, at, at + tile.positions,
                  static_cast<int>(tile.tile_rows), rows.data());
    if (FindTileTaps(run.geometry, at, at + tile.positions, tile.tile_rows, taps.data())) {
      tile.tile_taps = taps.data();
    }
    for (int64_t p = panel_begin; p < panel_end;) {
      const int64_t group = p / panels;
      const int64_t group_end = std::min((group + 1) * panels, panel_end);
      tile.rows = rows.data();
      tile.row_offset = group * run.group_bytes;
      if (GathersRows(run)) {
        tile.rows =
            GatherRows(run, rows.data(), tile.tile_rows, tile.positions, tile.row_offset, scratch);
        tile.row_offset = 0;
      }
      const bool last = at + block >= end && group_end == panel_end;
      RunPanels(run, group, tile, at, p - group * panels, group_end - group * panels,
                last ? run.next_weights : nullptr);
      p = group_end;
    }
  }
}

}  // namespace skiff::kernels
