// Square blocks in registers; what is left at the edges goes element by element.
#include <immintrin.h>

#include <cstdint>

#include "kernels/convert/convert_symbols.h"
#include "kernels/inline.h"

namespace skiff::kernels {
namespace avx2 {
namespace {

struct Block8 {
  using Element = uint8_t;
  static constexpr int64_t kSize = 16;

  static SKIFF_INLINE void Run(const uint8_t* src, int64_t src_stride, uint8_t* dst,
                               int64_t dst_stride) {
    __m128i a[16];
    __m128i b[16];
    for (int i = 0; i < 16; ++i) {
      a[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + i * src_stride));
    }
    // Four rounds of the perfect shuffle of rows i and i + 8 transpose 16 x 16.
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 8; ++i) {
        b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
        b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
      }
      for (int i = 0; i < 16; ++i) a[i] = b[i];
    }
    for (int i = 0; i < 16; ++i) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + i * dst_stride), a[i]);
    }
  }
};

struct Block32 {
  using Element = uint32_t;
  static constexpr int64_t kSize = 8;

  static SKIFF_INLINE void Run(const uint32_t* src, int64_t src_stride, uint32_t* dst,
                               int64_t dst_stride) {
    __m256i a[8];
    __m256i b[8];
    for (int i = 0; i < 8; ++i) {
      a[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src + i * src_stride));
    }
    for (int i = 0; i < 8; i += 2) {
      b[i] = _mm256_unpacklo_epi32(a[i], a[i + 1]);
      b[i + 1] = _mm256_unpackhi_epi32(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      a[i] = _mm256_unpacklo_epi64(b[i], b[i + 2]);
      a[i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 2]);
      a[i + 2] = _mm256_unpacklo_epi64(b[i + 1], b[i + 3]);
      a[i + 3] = _mm256_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    for (int i = 0; i < 4; ++i) {
      b[i] = _mm256_permute2x128_si256(a[i], a[i + 4], 0x20);
      b[i + 4] = _mm256_permute2x128_si256(a[i], a[i + 4], 0x31);
    }
    for (int i = 0; i < 8; ++i) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + i * dst_stride), b[i]);
    }
  }
};

struct Block64 {
  using Element = uint64_t;
  static constexpr int64_t kSize = 4;

  static SKIFF_INLINE void Run(const uint64_t* src, int64_t src_stride, uint64_t* dst,
                               int64_t dst_stride) {
    __m256i a[4];
    __m256i b[4];
    for (int i = 0; i < 4; ++i) {
      a[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src + i * src_stride));
    }
    for (int i = 0; i < 4; i += 2) {
      b[i] = _mm256_unpacklo_epi64(a[i], a[i + 1]);
      b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 1]);
    }
    for (int i = 0; i < 2; ++i) {
      a[i] = _mm256_permute2x128_si256(b[i], b[i + 2], 0x20);
      a[i + 2] = _mm256_permute2x128_si256(b[i], b[i + 2], 0x31);
    }
    for (int i = 0; i < 4; ++i) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + i * dst_stride), a[i]);
    }
  }
};

template <typename T>
void Edge(const T* src, int64_t src_stride, int64_t row_begin, int64_t rows, int64_t column_begin,
          int64_t columns, T* dst, int64_t dst_stride) {
  for (int64_t r = row_begin; r < rows; ++r) {
    for (int64_t c = column_begin; c < columns; ++c) {
      dst[c * dst_stride + r] = src[r * src_stride + c];
    }
  }
}

template <typename Block>
void Transpose(const void* source, int64_t src_stride, int64_t rows, int64_t columns,
               void* destination, int64_t dst_stride) {
  using T = typename Block::Element;
  const T* src = static_cast<const T*>(source);
  T* dst = static_cast<T*>(destination);
  const int64_t full_rows = rows / Block::kSize * Block::kSize;
  const int64_t full_columns = columns / Block::kSize * Block::kSize;
  for (int64_t r = 0; r < full_rows; r += Block::kSize) {
    for (int64_t c = 0; c < full_columns; c += Block::kSize) {
      Block::Run(src + r * src_stride + c, src_stride, dst + c * dst_stride + r, dst_stride);
    }
  }
  Edge(src, src_stride, 0, full_rows, full_columns, columns, dst, dst_stride);
  Edge(src, src_stride, full_rows, rows, 0, columns, dst, dst_stride);
}

// Byte i of output j comes from plane (16 j + i) % 3, position (16 j + i) / 3.
struct InterleaveOrder {
  constexpr InterleaveOrder() : shuffle() {
    for (int j = 0; j < 3; ++j) {
      for (int plane = 0; plane < 3; ++plane) {
        for (int i = 0; i < 16; ++i) {
          const int at = 16 * j + i;
          shuffle[j][plane][i] = static_cast<int8_t>(at % 3 == plane ? at / 3 : -1);
        }
      }
    }
  }
  alignas(16) int8_t shuffle[3][3][16];
};

// Three planes to packed pixels, 16 at a time: the user's picture.
void InterleaveThree(const uint8_t* src, int64_t src_stride, int64_t columns, uint8_t* dst) {
  static constexpr InterleaveOrder kOrder;
  int64_t c = 0;
  for (; c + 16 <= columns; c += 16, dst += 48) {
    for (int j = 0; j < 3; ++j) {
      __m128i out = _mm_setzero_si128();
      for (int plane = 0; plane < 3; ++plane) {
        const __m128i in =
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + plane * src_stride + c));
        const __m128i order =
            _mm_load_si128(reinterpret_cast<const __m128i*>(kOrder.shuffle[j][plane]));
        out = _mm_or_si128(out, _mm_shuffle_epi8(in, order));
      }
      _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + 16 * j), out);
    }
  }
  for (; c < columns; ++c, dst += 3) {
    for (int plane = 0; plane < 3; ++plane) dst[plane] = src[plane * src_stride + c];
  }
}

}  // namespace
}  // namespace avx2

void transpose_x8_16x16_avx2(const void* src, int64_t src_stride, int64_t rows, int64_t columns,
                             void* dst, int64_t dst_stride) {
  if (rows == 3 && dst_stride == 3) {
    avx2::InterleaveThree(static_cast<const uint8_t*>(src), src_stride, columns,
                          static_cast<uint8_t*>(dst));
    return;
  }
  avx2::Transpose<avx2::Block8>(src, src_stride, rows, columns, dst, dst_stride);
}
void transpose_x32_8x8_avx2(const void* src, int64_t src_stride, int64_t rows, int64_t columns,
                            void* dst, int64_t dst_stride) {
  avx2::Transpose<avx2::Block32>(src, src_stride, rows, columns, dst, dst_stride);
}
void transpose_x64_4x4_avx2(const void* src, int64_t src_stride, int64_t rows, int64_t columns,
                            void* dst, int64_t dst_stride) {
  avx2::Transpose<avx2::Block64>(src, src_stride, rows, columns, dst, dst_stride);
}

}  // namespace skiff::kernels
