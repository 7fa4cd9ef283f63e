// Tiles of 16 rows x 64 bytes: 2 x 2 of them hold the sums of 32 positions x 32 channels, so that
// four loads of tiles feed four products of 16 x 16 x 64 multiply-adds.
//
// A tile of inputs is loaded where it lies: its rows are one stride apart (ConvKernel::row_group).
// Weights as PackConv leaves them are tiles already: 16 steps of 16 channels are 16 rows of 64
// bytes.
#include "kernels/conv/conv_symbols.h"
#include "kernels/conv/conv_tile.h"
#include "kernels/epilogue/epilogue_avx512bw.h"

namespace skiff::kernels {
namespace {

constexpr int kTileRows = 16;
constexpr int64_t kTileBytes = 64;  // of a row
constexpr int kPositions = 2 * kTileRows;
constexpr int kChannels = 32;
constexpr int64_t kStepBytes = kChannels * 4;

// What LDTILECFG reads.
struct TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

// The intrinsics of some compilers hide from them which memory is read and written.
SKIFF_INLINE void Configure(const TileConfig& config) {
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
}
SKIFF_INLINE void Release() { __asm__ volatile("tilerelease"); }

#define SKIFF_TILE_ZERO(tile) __asm__ volatile("tilezero %%tmm" #tile : :)
#define SKIFF_TILE_LOAD(tile, base, stride)           \
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile \
                   :                                  \
                   : "r"(base), "r"(int64_t{stride})  \
                   : "memory")
#define SKIFF_TILE_STORE(tile, base, stride)              \
  __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" \
                   :                                      \
                   : "r"(base), "r"(int64_t{stride})      \
                   : "memory")
#define SKIFF_TILE_DOT(kSigned, sums, x, w)                                  \
  do {                                                                       \
    if constexpr (kSigned) {                                                 \
      __asm__ volatile("tdpbssd %%tmm" #w ", %%tmm" #x ", %%tmm" #sums : :); \
    } else {                                                                 \
      __asm__ volatile("tdpbusd %%tmm" #w ", %%tmm" #x ", %%tmm" #sums : :); \
    }                                                                        \
  } while (false)

// 16 positions' inputs of one tap: the first one's, and how far the next are.
struct Rows {
  const char* base;
  int64_t stride;

  // `count` of the pointers are valid, at least 1.
  SKIFF_INLINE Rows(const void* const* rows, int64_t offset, int64_t count)
      : base(static_cast<const char*>(rows[0]) + offset),
        stride(count == 1 ? 0
                          : static_cast<const char*>(rows[1]) - static_cast<const char*>(rows[0])) {
  }
};

// 16 kRowTiles positions x 16 kChannelTiles channels; `count` of the positions exist.
template <bool kSigned, int kRowTiles, int kChannelTiles>
void RunTile(const ConvTile& t, const void* const* rows, int64_t first, int64_t count) {
  SKIFF_TILE_ZERO(0);
  SKIFF_TILE_ZERO(1);
  SKIFF_TILE_ZERO(2);
  SKIFF_TILE_ZERO(3);
  const char* w = static_cast<const char*>(t.weights);
  const int64_t depth = t.steps * 4;
  for (int64_t tap = 0; tap < t.taps; ++tap, rows += kPositions) {
    const Rows x0(rows, t.row_offset, count);
    const Rows x1 = kRowTiles == 1 ? x0 : Rows(rows + kTileRows, t.row_offset, count - kTileRows);
    for (int64_t i = 0; i < depth; i += kTileBytes, w += kTileRows * kStepBytes) {
      SKIFF_TILE_LOAD(4, x0.base + i, x0.stride);
      SKIFF_TILE_LOAD(6, w, kStepBytes);
      SKIFF_TILE_DOT(kSigned, 0, 4, 6);
      if constexpr (kChannelTiles == 2) {
        SKIFF_TILE_LOAD(7, w + kTileBytes, kStepBytes);
        SKIFF_TILE_DOT(kSigned, 1, 4, 7);
      }
      if constexpr (kRowTiles == 2) {
        SKIFF_TILE_LOAD(5, x1.base + i, x1.stride);
        SKIFF_TILE_DOT(kSigned, 2, 5, 6);
        if constexpr (kChannelTiles == 2) SKIFF_TILE_DOT(kSigned, 3, 5, 7);
      }
    }
  }
  alignas(64) int32_t sums[kRowTiles * kTileRows][16 * kChannelTiles];
  constexpr int64_t kRowBytes = 64 * kChannelTiles;
  SKIFF_TILE_STORE(0, sums[0], kRowBytes);
  if constexpr (kChannelTiles == 2) SKIFF_TILE_STORE(1, sums[0] + 16, kRowBytes);
  if constexpr (kRowTiles == 2) {
    SKIFF_TILE_STORE(2, sums[kTileRows], kRowBytes);
    if constexpr (kChannelTiles == 2) SKIFF_TILE_STORE(3, sums[kTileRows] + 16, kRowBytes);
  }
  EpilogueRows out;
  out.channel = t.channel;
  out.n = t.channel_count;
  out.residual = static_cast<const char*>(t.residual) + first * t.residual_stride;
  out.residual_stride = t.residual_stride;
  out.dst = static_cast<char*>(t.dst) + first * t.dst_stride;
  out.dst_stride = t.dst_stride;
  avx512bw::ApplyEpilogueRows<kChannelTiles>(*t.epilogue, sums[0], count, out);
}

// As many rows in the tiles of inputs and sums as there are positions: less work, and nothing past
// them is read.
SKIFF_INLINE void ConfigureFor(int64_t count) {
  TileConfig config;
  const int64_t upper = count < kTileRows ? count : kTileRows;
  const int64_t lower = count - upper;
  config.rows[0] = config.rows[1] = config.rows[4] = static_cast<uint8_t>(upper);
  if (lower != 0) config.rows[2] = config.rows[3] = config.rows[5] = static_cast<uint8_t>(lower);
  Configure(config);
}

template <bool kSigned, int kChannelTiles>
void RunPanel(const ConvTile& t) {
  const void* const* rows = t.rows;
  const int64_t tile_pointers = t.taps * kPositions;
  int64_t p = 0;
  if (t.positions >= kPositions) ConfigureFor(kPositions);
  for (; p + kPositions <= t.positions; p += kPositions, rows += tile_pointers) {
    RunTile<kSigned, 2, kChannelTiles>(t, rows, p, kPositions);
  }
  const int64_t left = t.positions - p;
  if (left == 0) return;
  ConfigureFor(left);
  if (left <= kTileRows) {
    RunTile<kSigned, 1, kChannelTiles>(t, rows, p, left);
  } else {
    RunTile<kSigned, 2, kChannelTiles>(t, rows, p, left);
  }
}

template <bool kSigned>
void Run(const ConvTile& t) {
  if (t.channel_count > 16) {
    RunPanel<kSigned, 2>(t);
  } else {
    RunPanel<kSigned, 1>(t);
  }
  Release();
}

}  // namespace

void conv_u8s8_32x32_amx(const ConvTile& tile) { Run<false>(tile); }
void conv_s8s8_32x32_amx(const ConvTile& tile) { Run<true>(tile); }

}  // namespace skiff::kernels
