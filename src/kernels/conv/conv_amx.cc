// Tiles of 16 rows x 64 bytes: 2 x 2 of them hold the sums of 32 positions x 32 channels, so that
// four loads of tiles feed four products of 16 x 16 x 64 multiply-adds.
//
// A tile of inputs is loaded where it lies if its rows are one stride apart (pointwise layers, the
// insides of rows); otherwise its rows are gathered first. Weights as PackConv leaves them are
// tiles already: 16 steps of 16 channels are 16 rows of 64 bytes.
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

// 16 positions' inputs of one tap, as tile loads want them.
class Rows {
 public:
  // `count` of the pointers are valid, at least 1.
  SKIFF_INLINE void Point(const void* const* rows, int64_t offset, int64_t count) {
    rows_ = rows;
    offset_ = offset;
    count_ = count;
    base_ = static_cast<const char*>(rows[0]) + offset;
    stride_ = static_cast<const char*>(rows[1]) - static_cast<const char*>(rows[0]);
    gather_ = count < kTileRows;
    for (int r = 1; !gather_ && r + 1 < kTileRows; ++r) {
      gather_ =
          static_cast<const char*>(rows[r + 1]) - static_cast<const char*>(rows[r]) != stride_;
    }
  }

  // Makes the bytes [at, at + bytes) of every row ready, bytes <= kChunk a multiple of 64.
  SKIFF_INLINE void Prepare(int64_t at, int64_t bytes) {
    if (!gather_) {
      chunk_ = base_ + at;
      return;
    }
    for (int64_t r = 0; r < count_; ++r) {
      const char* from = static_cast<const char*>(rows_[r]) + offset_ + at;
      char* to = gathered_ + r * kGatheredStride;
      for (int64_t i = 0; i < bytes; i += kTileBytes) {
        _mm512_store_si512(to + i, _mm512_loadu_si512(from + i));
      }
    }
    chunk_ = gathered_;
    stride_ = kGatheredStride;
  }

  [[nodiscard]] SKIFF_INLINE const char* chunk() const { return chunk_; }
  [[nodiscard]] SKIFF_INLINE int64_t stride() const { return stride_; }

  static constexpr int64_t kChunk = 512;

 private:
  // Not a power of two, so that the rows of a tile fall into different sets of the cache.
  static constexpr int64_t kGatheredStride = kChunk + kTileBytes;

  const void* const* rows_;
  int64_t offset_;
  int64_t count_;
  const char* base_;
  const char* chunk_;
  int64_t stride_;
  bool gather_;
  alignas(64) char gathered_[kTileRows * kGatheredStride];
};

// 16 kRowTiles positions x 16 kChannelTiles channels; `count` of the positions exist.
template <bool kSigned, int kRowTiles, int kChannelTiles>
void RunTile(const ConvTile& t, const void* const* rows, int64_t first, int64_t count) {
  Rows x0;
  Rows x1;
  SKIFF_TILE_ZERO(0);
  SKIFF_TILE_ZERO(1);
  SKIFF_TILE_ZERO(2);
  SKIFF_TILE_ZERO(3);
  const char* w = static_cast<const char*>(t.weights);
  const int64_t depth = t.steps * 4;
  for (int64_t tap = 0; tap < t.taps; ++tap, rows += kPositions) {
    x0.Point(rows, t.row_offset, kRowTiles == 1 ? count : kTileRows);
    if constexpr (kRowTiles == 2) x1.Point(rows + kTileRows, t.row_offset, count - kTileRows);
    for (int64_t at = 0; at < depth; at += Rows::kChunk) {
      const int64_t bytes = depth - at < Rows::kChunk ? depth - at : Rows::kChunk;
      x0.Prepare(at, bytes);
      if constexpr (kRowTiles == 2) x1.Prepare(at, bytes);
      for (int64_t i = 0; i < bytes; i += kTileBytes, w += kTileRows * kStepBytes) {
        SKIFF_TILE_LOAD(4, x0.chunk() + i, x0.stride());
        SKIFF_TILE_LOAD(6, w, kStepBytes);
        SKIFF_TILE_DOT(kSigned, 0, 4, 6);
        if constexpr (kChannelTiles == 2) {
          SKIFF_TILE_LOAD(7, w + kTileBytes, kStepBytes);
          SKIFF_TILE_DOT(kSigned, 1, 4, 7);
        }
        if constexpr (kRowTiles == 2) {
          SKIFF_TILE_LOAD(5, x1.chunk() + i, x1.stride());
          SKIFF_TILE_DOT(kSigned, 2, 5, 6);
          if constexpr (kChannelTiles == 2) SKIFF_TILE_DOT(kSigned, 3, 5, 7);
        }
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

template <bool kSigned, int kChannelTiles>
void RunPanel(const ConvTile& t) {
  const void* const* rows = t.rows;
  for (int64_t p = 0; p < t.positions; p += kPositions, rows += t.taps * kPositions) {
    const int64_t left = t.positions - p;
    if (left <= kTileRows) {
      RunTile<kSigned, 1, kChannelTiles>(t, rows, p, left);
    } else {
      RunTile<kSigned, 2, kChannelTiles>(t, rows, p, left < kPositions ? left : kPositions);
    }
  }
}

template <bool kSigned>
void Run(const ConvTile& t) {
  static constexpr TileConfig kConfig;
  Configure(kConfig);
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
