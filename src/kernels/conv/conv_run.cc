#include <algorithm>
#include <array>

#include "kernels/conv/conv.h"

namespace skiff::kernels {
namespace {

constexpr int64_t kPointers = kMaxConvTaps * kMaxConvRows;  // 64 KB of stack
// Enough positions to use a panel of weights often while their inputs stay in L2.
constexpr int64_t kMaxPositions = 384;

void RunPanels(const ConvRun& run, const void* const* rows, int64_t begin, int64_t positions,
               int64_t panel_begin, int64_t panel_end) {
  const Epilogue& e = *run.epilogue;
  const int64_t panels = run.groups[0].panels;
  const int64_t width = run.kernel->channels;
  ConvTile tile;
  tile.rows = rows;
  tile.positions = positions;
  tile.epilogue = run.epilogue;
  tile.dst_stride = run.dst_stride;
  tile.residual_stride = run.residual_stride;
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const int64_t group = p / panels;
    const int64_t panel = p % panels;
    const PackedConv& packed = run.groups[static_cast<size_t>(group)];
    const int64_t panel_bytes =
        packed.taps * packed.steps * width * run.kernel->k_group * ElementBytes(run.kernel->input);
    tile.row_offset = group * run.group_bytes;
    tile.taps = packed.taps;
    tile.steps = packed.steps;
    tile.weights = packed.weights.As() + panel * panel_bytes;
    if (packed.start.size() != 0) tile.start = packed.start.As<int32_t>() + panel * width;
    const int64_t fixup = packed.fixup_begin[static_cast<size_t>(panel)];
    tile.fixups = packed.fixups.data() + fixup;
    tile.fixup_count = packed.fixup_begin[static_cast<size_t>(panel + 1)] - fixup;
    tile.fixup_weights = packed.fixup_weights.As<int8_t>() + fixup * width * 4;
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

void RunConvPart(const ConvRun& run, int64_t begin, int64_t end, int64_t panel_begin,
                 int64_t panel_end) {
  std::array<const void*, kPointers> rows;
  const int tile_rows = run.kernel->rows;
  const int64_t taps = run.geometry.taps_h * run.geometry.taps_w;
  const int64_t fit = std::min(kPointers / taps, kMaxPositions) / tile_rows * tile_rows;
  for (int64_t p = begin; p < end; p += fit) {
    const int64_t count = std::min(fit, end - p);
    BuildConvRows(run.geometry, run.input, run.zeros, p, p + count, tile_rows, rows.data());
    RunPanels(run, rows.data(), p, count, panel_begin, panel_end);
  }
}

}  // namespace skiff::kernels
