// Tiles of 16 rows x 64 bytes: 2 x 2 of them hold the sums of 32 positions x 32 channels, so that
// four loads of tiles feed four products of 16 x 16 x 64 multiply-adds.
//
// A tile of inputs is loaded where it lies: its rows are one stride apart (ConvKernel::row_group).
// Weights as PackConv leaves them are tiles already: 16 steps of 16 channels are 16 rows of 64
// bytes.
//
// The products of 32 x 32 x 64 take the tile unit 64 cycles, the epilogue of their 1,024 sums takes
// the vector units more than twice that: the sums wait in memory, and their epilogue runs between
// the products of the next positions. Weights come from beyond L2 in most layers, at a rate that
// the first positions alone would wait for: all of them fetch a share of the next panel.
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

// The positions of one run of a kernel that have been multiplied and wait for their epilogue.
template <int kChannelTiles>
class WaitingSums {
 public:
  explicit WaitingSums(const ConvTile& t) : t_(t) {}

  // For tiles 0 and 1, and from `row` on for 2 and 3.
  int32_t* sums(int64_t row) { return sums_[row]; }
  void Begin(int64_t first, int64_t count) {
    first_ = first;
    count_ = count;
    done_ = 0;
  }
  // The epilogue of at most so many rows.
  SKIFF_INLINE void Finish(int64_t most) {
    const int64_t rows = count_ - done_ < most ? count_ - done_ : most;
    if (rows == 0) return;
    avx512bw::ApplyEpilogueRows<kChannelTiles>(*t_.epilogue, sums_[done_], rows,
                                               RowsFrom(t_, first_ + done_));
    done_ += rows;
  }

 private:
  const ConvTile& t_;
  int64_t first_ = 0, count_ = 0, done_ = 0;
  alignas(64) int32_t sums_[kPositions][16 * kChannelTiles];
};

// Of the next panel's weights, the share that one tile fetches: some lines of each block of steps.
struct Ahead {
  int64_t bytes;  // from a block of steps to the same one of the next panel
  int64_t begin, end;
};

constexpr int64_t kBlockBytes = kTileRows * kStepBytes;  // weights of 64 inputs

// The positions of a tile: where their pointers lie, and how many of them are in its upper part.
struct TilePositions {
  int64_t first, count, upper;
};

// kRowTiles x kChannelTiles tiles of sums, while those of the tile before get their epilogue.
template <bool kSigned, int kRowTiles, int kChannelTiles>
void RunTile(const ConvTile& t, const void* const* rows, const TilePositions& part,
             const Ahead& ahead, int64_t rows_a_block, WaitingSums<kChannelTiles>* waiting) {
  SKIFF_TILE_ZERO(0);
  SKIFF_TILE_ZERO(1);
  SKIFF_TILE_ZERO(2);
  SKIFF_TILE_ZERO(3);
  const char* w = static_cast<const char*>(t.weights);
  const int64_t depth = t.steps * 4;
  for (int64_t tap = 0; tap < t.taps; ++tap, rows += t.tile_rows) {
    const Rows x0(rows, t.row_offset, part.upper);
    const Rows x1 =
        kRowTiles == 1 ? x0 : Rows(rows + t.tile_rows / 2, t.row_offset, part.count - part.upper);
    for (int64_t i = 0; i < depth; i += kTileBytes, w += kBlockBytes) {
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
      for (int64_t line = ahead.begin; line < ahead.end; line += kTileBytes) {
        _mm_prefetch(w + ahead.bytes + line, _MM_HINT_T1);
      }
      waiting->Finish(rows_a_block);
    }
  }
  waiting->Finish(kPositions);
  constexpr int64_t kRowBytes = 64 * kChannelTiles;
  SKIFF_TILE_STORE(0, waiting->sums(0), kRowBytes);
  if constexpr (kChannelTiles == 2) SKIFF_TILE_STORE(1, waiting->sums(0) + 16, kRowBytes);
  if constexpr (kRowTiles == 2) {
    SKIFF_TILE_STORE(2, waiting->sums(part.upper), kRowBytes);
    if constexpr (kChannelTiles == 2) {
      SKIFF_TILE_STORE(3, waiting->sums(part.upper) + 16, kRowBytes);
    }
  }
  waiting->Begin(part.first, part.count);
}

// As many rows in the tiles of inputs and sums as there are positions: less work, and nothing past
// them is read.
SKIFF_INLINE void ConfigureFor(int64_t upper, int64_t lower) {
  TileConfig config;
  config.rows[0] = config.rows[1] = config.rows[4] = static_cast<uint8_t>(upper);
  if (lower != 0) config.rows[2] = config.rows[3] = config.rows[5] = static_cast<uint8_t>(lower);
  Configure(config);
}

template <bool kSigned, int kChannelTiles>
void RunPanel(const ConvTile& t) {
  const int64_t tiles = (t.positions + t.tile_rows - 1) / t.tile_rows;
  const int64_t blocks = t.taps * t.steps * 4 / kTileBytes;
  // In fours, as the epilogue takes them; four are hidden behind the products of a block.
  const int64_t rows_a_block = blocks >= 8 ? 4 : (kPositions / blocks + 3) / 4 * 4;
  const int64_t share = (kBlockBytes / kTileBytes + tiles - 1) / tiles * kTileBytes;
  WaitingSums<kChannelTiles> waiting(t);
  Ahead ahead = {blocks * kBlockBytes, 0, share};
  int64_t configured = 0;
  const void* const* rows = t.rows;
  for (int64_t p = 0; p < t.positions; p += t.tile_rows, rows += t.taps * t.tile_rows) {
    const int64_t count = t.positions - p < t.tile_rows ? t.positions - p : t.tile_rows;
    const int64_t upper = count < t.tile_rows / 2 ? count : t.tile_rows / 2;
    if (configured != count) ConfigureFor(upper, count - upper);
    configured = count;
    if (upper == count) {
      RunTile<kSigned, 1, kChannelTiles>(t, rows, {p, count, upper}, ahead, rows_a_block, &waiting);
    } else {
      RunTile<kSigned, 2, kChannelTiles>(t, rows, {p, count, upper}, ahead, rows_a_block, &waiting);
    }
    ahead.begin = ahead.end;
    ahead.end = ahead.end + share < kBlockBytes ? ahead.end + share : kBlockBytes;
  }
  waiting.Finish(kPositions);
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
