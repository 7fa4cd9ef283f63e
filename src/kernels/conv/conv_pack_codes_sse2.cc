// Codes of an activation as weights: packed in every run, by the instructions that x86-64 has.
#include <emmintrin.h>

#include <algorithm>

#include "kernels/conv/conv.h"

namespace skiff::kernels {
namespace {

__m128i Load(const int8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
void Store(__m128i v, void* p) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }

// Bytes as s16.
__m128i WidenLow(__m128i x) { return _mm_srai_epi16(_mm_unpacklo_epi8(x, x), 8); }
__m128i WidenHigh(__m128i x) { return _mm_srai_epi16(_mm_unpackhi_epi8(x, x), 8); }

// One panel: [step][channels][k_group], of which the channels from `channel` on are written.
struct Panel {
  std::byte* weights;
  int64_t step_bytes;
  int64_t steps;  // that have inputs
  int halves;     // of 16 channels: 1 where a panel is 8 wide

  [[nodiscard]] std::byte* At(int64_t step, int64_t channel) const {
    return weights + step * step_bytes + channel * 4;
  }
};

// Inputs 4 `quad` to 4 `quad` + 3 of four channels, as bytes: one step of s8.
struct NarrowWriter {
  static void Write(__m128i quads, int64_t quad, int64_t channel, const Panel& panel) {
    if (quad < panel.steps) Store(quads, panel.At(quad, channel));
  }
};

// The same as two steps of s16.
struct WideWriter {
  static void Write(__m128i quads, int64_t quad, int64_t channel, const Panel& panel) {
    const __m128 low = _mm_castsi128_ps(WidenLow(quads));
    const __m128 high = _mm_castsi128_ps(WidenHigh(quads));
    const __m128 first = _mm_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0));
    const __m128 second = _mm_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1));
    const int64_t step = 2 * quad;
    if (step < panel.steps) Store(_mm_castps_si128(first), panel.At(step, channel));
    if (step + 1 < panel.steps) Store(_mm_castps_si128(second), panel.At(step + 1, channel));
  }
};

// The sums of 16 channels.
class ColumnSums {
 public:
  // Four inputs of the first or last eight channels, side by side in pairs. 64 times between
  // flushes, so that sums stay within s16.
  void Add(int half, __m128i pairs_ab, __m128i pairs_cd) {
    const auto sum = [](__m128i pairs) {
      return _mm_add_epi16(_mm_srai_epi16(_mm_slli_epi16(pairs, 8), 8), _mm_srai_epi16(pairs, 8));
    };
    __m128i& s = sums_[half];
    s = _mm_add_epi16(s, _mm_add_epi16(sum(pairs_ab), sum(pairs_cd)));
  }
  void Flush() {
    for (int half = 0; half < 2; ++half) {
      const __m128i s = sums_[half];
      totals_[2 * half] =
          _mm_add_epi32(totals_[2 * half], _mm_srai_epi32(_mm_unpacklo_epi16(s, s), 16));
      totals_[2 * half + 1] =
          _mm_add_epi32(totals_[2 * half + 1], _mm_srai_epi32(_mm_unpackhi_epi16(s, s), 16));
      sums_[half] = _mm_setzero_si128();
    }
  }
  // -128 times the sums.
  void Write(int halves, int32_t* start) const {
    for (int i = 0; i < 2 * halves; ++i) {
      const __m128i scaled = _mm_slli_epi32(totals_[i], 7);
      Store(_mm_sub_epi32(_mm_setzero_si128(), scaled), start + 4 * i);
    }
  }

 private:
  __m128i sums_[2] = {};
  __m128i totals_[4] = {};
};

// Channels lie side by side. The 16 from `channel` on.
template <typename Writer>
void PackColumns(const ConvCodes& codes, const int8_t* from, int64_t channel, const Panel& panel,
                 int32_t* start) {
  const __m128i zero = _mm_setzero_si128();
  ColumnSums sums;
  for (int64_t k = 0; k < codes.depth; k += 4) {
    const auto row = [&](int64_t i) {
      return k + i < codes.depth ? Load(from + (k + i) * codes.out_channels) : zero;
    };
    const __m128i a = row(0), b = row(1), c = row(2), d = row(3);
    const __m128i ab[2] = {_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b)};
    const __m128i cd[2] = {_mm_unpacklo_epi8(c, d), _mm_unpackhi_epi8(c, d)};
    for (int half = 0; half < panel.halves; ++half) {
      const int64_t at = channel + 8 * half;
      Writer::Write(_mm_unpacklo_epi16(ab[half], cd[half]), k / 4, at, panel);
      Writer::Write(_mm_unpackhi_epi16(ab[half], cd[half]), k / 4, at + 4, panel);
      if (start != nullptr) sums.Add(half, ab[half], cd[half]);
    }
    if (start != nullptr && k % 256 == 252) sums.Flush();
  }
  if (start == nullptr) return;
  sums.Flush();
  sums.Write(panel.halves, start + channel);
}

// The inputs of a channel lie side by side. `channels` of the four from `channel` on.
template <typename Writer>
void PackRows(const ConvCodes& codes, const int8_t* from, int64_t channels, int64_t channel,
              const Panel& panel, int32_t* start) {
  alignas(16) static constexpr int8_t kMask[32] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                   -1, -1, -1, -1, -1, -1, -1, -1};
  const __m128i flip = _mm_set1_epi8(-128);
  __m128i sums[4] = {};  // of bytes + 128, two halves each
  for (int64_t k = 0; k < codes.depth; k += 16) {
    const __m128i mask = Load(kMask + 16 - std::min<int64_t>(codes.depth - k, 16));
    __m128i row[4];
    for (int64_t c = 0; c < 4; ++c) {
      // Channels that are not there repeat the last one.
      const int8_t* at = from + std::min(c, channels - 1) * codes.depth + k;
      row[c] = _mm_and_si128(Load(at), mask);
      sums[c] =
          _mm_add_epi64(sums[c], _mm_sad_epu8(_mm_xor_si128(row[c], flip), _mm_setzero_si128()));
    }
    const __m128i low01 = _mm_unpacklo_epi32(row[0], row[1]);
    const __m128i low23 = _mm_unpacklo_epi32(row[2], row[3]);
    const __m128i high01 = _mm_unpackhi_epi32(row[0], row[1]);
    const __m128i high23 = _mm_unpackhi_epi32(row[2], row[3]);
    Writer::Write(_mm_unpacklo_epi64(low01, low23), k / 4, channel, panel);
    Writer::Write(_mm_unpackhi_epi64(low01, low23), k / 4 + 1, channel, panel);
    Writer::Write(_mm_unpacklo_epi64(high01, high23), k / 4 + 2, channel, panel);
    Writer::Write(_mm_unpackhi_epi64(high01, high23), k / 4 + 3, channel, panel);
  }
  if (start == nullptr) return;
  const int64_t added = (codes.depth + 15) / 16 * 16 * 128;
  for (int64_t c = 0; c < 4; ++c) {
    const __m128i both = _mm_add_epi64(sums[c], _mm_srli_si128(sums[c], 8));
    start[channel + c] = static_cast<int32_t>(-128 * (_mm_cvtsi128_si64(both) - added));
  }
}

template <typename Writer>
void PackPanelOfCodes(const ConvCodes& codes, int64_t first, int64_t channels, const Panel& panel,
                      int32_t* start) {
  if (codes.inputs_lie_together) {
    for (int64_t c = 0; c < channels; c += 4) {
      const int8_t* from = codes.data + (first + c) * codes.depth;
      PackRows<Writer>(codes, from, channels - c, c, panel, start);
    }
  } else {
    for (int64_t c = 0; c < channels; c += 16) {
      PackColumns<Writer>(codes, codes.data + first + c, c, panel, start);
    }
  }
}

int64_t PanelElements(const ConvKernel& kernel, const PackedConv& packed) {
  return packed.steps * kernel.channels * kernel.k_group;
}

}  // namespace

PackedConv AllocateConv(const ConvKernel& kernel, int64_t out_channels, int64_t depth) {
  PackedConv packed;
  const int64_t block = int64_t{kernel.k_group} * kernel.step_block;
  packed.out_channels = out_channels;
  packed.taps = 1;
  packed.steps = (depth + block - 1) / block * kernel.step_block;
  packed.panels = (out_channels + kernel.channels - 1) / kernel.channels;
  const int64_t elements = packed.panels * PanelElements(kernel, packed);
  packed.weights = AlignedBuffer(static_cast<size_t>(elements * ElementBytes(kernel.input)));
  packed.weights.Zero();  // steps and channels that PackCodes leaves alone
  if (kernel.input == ConvInput::kS8) {
    const auto padded = static_cast<size_t>(packed.panels * kernel.channels);
    packed.start = AlignedBuffer(padded * sizeof(int32_t));
    packed.start.Zero();
  }
  return packed;
}

void PackCodes(const ConvKernel& kernel, const ConvCodes& codes, int64_t panel_begin,
               int64_t panel_end, PackedConv* packed) {
  const bool widened = kernel.input == ConvInput::kS16;
  const int64_t width = kernel.channels;
  const int64_t panel_bytes = PanelElements(kernel, *packed) * ElementBytes(kernel.input);
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const Panel panel = {.weights = packed->weights.As() + p * panel_bytes,
                         .step_bytes = width * 4,
                         .steps = (codes.depth + kernel.k_group - 1) / kernel.k_group,
                         .halves = width == 8 ? 1 : 2};
    int32_t* const start =
        packed->start.size() == 0 ? nullptr : packed->start.As<int32_t>() + p * width;
    const int64_t channels = std::min(width, codes.out_channels - p * width);
    (widened ? PackPanelOfCodes<WideWriter>
             : PackPanelOfCodes<NarrowWriter>)(codes, p * width, channels, panel, start);
  }
}

}  // namespace skiff::kernels
