#include "imaging/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

namespace skiff::imaging {
namespace {

// Weights are rounded to this many fractional bits: 8 bits of pixel and 2 of headroom (filters with
// negative lobes sum to more than 1 in absolute value) fill the 32-bit sum.
constexpr int kWeightBits = 32 - 8 - 2;

struct NamedInterpolation {
  Interpolation value;
  std::string_view name;
};
constexpr std::array<NamedInterpolation, 4> kInterpolations = {{
    {Interpolation::kNearest, "nearest"},
    {Interpolation::kBilinear, "bilinear"},
    {Interpolation::kBicubic, "bicubic"},
    {Interpolation::kLanczos, "lanczos"},
}};

double Triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

// Keys' cubic with a = -0.5; the order of operations decides the last bit, so it is Pillow's.
double Cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double Sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double Lanczos3(double x) { return -3.0 <= x && x < 3.0 ? Sinc(x) * Sinc(x / 3) : 0.0; }

struct Filter {
  double (*weight)(double x);
  double support;  // weight is 0 beyond it
};

Filter FilterOf(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kBicubic: return {Cubic, 2.0};
    case Interpolation::kLanczos: return {Lanczos3, 3.0};
    default: return {Triangle, 1.0};
  }
}

// For every output position: which inputs it sums, and their weights.
struct Taps {
  struct Span {
    int first;
    int count;
    size_t weights;  // index of the first one
  };
  std::vector<Span> spans;
  std::vector<int32_t> weights;
};

int32_t FixedPoint(double weight) {
  const double scaled = weight * (1 << kWeightBits);
  return static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

Taps MakeTaps(int in, int out, const Filter& filter) {
  const double scale = static_cast<double>(in) / out;
  const double widening = std::max(scale, 1.0);
  const double support = filter.support * widening;
  Taps taps;
  std::vector<double> exact;
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(centre - support + 0.5));
    const int last = std::min(in, static_cast<int>(centre + support + 0.5));
    exact.clear();
    double sum = 0.0;
    for (int x = first; x < last; ++x) {
      exact.push_back(filter.weight((x - centre + 0.5) * (1.0 / widening)));
      sum += exact.back();
    }
    taps.spans.push_back({first, last - first, taps.weights.size()});
    for (double w : exact) taps.weights.push_back(FixedPoint(sum != 0.0 ? w / sum : w));
  }
  return taps;
}

uint8_t ToByte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

constexpr int32_t kHalf = 1 << (kWeightBits - 1);

void ResizeRow(const uint8_t* src, uint8_t* dst, const Taps& taps) {
  for (const Taps::Span& span : taps.spans) {
    const int32_t* w = taps.weights.data() + span.weights;
    const uint8_t* p = src + static_cast<ptrdiff_t>(span.first) * 3;
    int32_t r = kHalf;
    int32_t g = kHalf;
    int32_t b = kHalf;
    for (int x = 0; x < span.count; ++x, p += 3) {
      r += p[0] * w[x];
      g += p[1] * w[x];
      b += p[2] * w[x];
    }
    *dst++ = ToByte(r);
    *dst++ = ToByte(g);
    *dst++ = ToByte(b);
  }
}

Image ResizeWidth(const Image& image, Image out, const Filter& filter) {
  const Taps taps = MakeTaps(image.width, out.width, filter);
  for (int y = 0; y < image.height; ++y) ResizeRow(image.row(y), out.row(y), taps);
  return out;
}

Image ResizeHeight(const Image& image, Image out, const Filter& filter) {
  const Taps taps = MakeTaps(image.height, out.height, filter);
  std::vector<int32_t> sums(image.row_bytes());
  for (int y = 0; y < out.height; ++y) {
    const Taps::Span& span = taps.spans[static_cast<size_t>(y)];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int k = 0; k < span.count; ++k) {
      const uint8_t* src = image.row(span.first + k);
      const int32_t w = taps.weights[span.weights + static_cast<size_t>(k)];
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += src[i] * w;
    }
    std::transform(sums.begin(), sums.end(), out.row(y), ToByte);
  }
  return out;
}

// Positions are summed up, not multiplied: Pillow's, to the last bit.
std::vector<int> NearestPositions(int in, int out) {
  const double scale = static_cast<double>(in) / out;
  std::vector<int> positions;
  double x = scale * 0.5;
  for (int i = 0; i < out; ++i, x += scale) {
    positions.push_back(std::min(static_cast<int>(x), in - 1));
  }
  return positions;
}

Image ResizeNearest(const Image& image, Image out) {
  const std::vector<int> columns = NearestPositions(image.width, out.width);
  const std::vector<int> rows = NearestPositions(image.height, out.height);
  for (int y = 0; y < out.height; ++y) {
    const uint8_t* src = image.row(rows[static_cast<size_t>(y)]);
    uint8_t* dst = out.row(y);
    for (int x : columns) dst = std::copy_n(src + static_cast<ptrdiff_t>(x) * 3, 3, dst);
  }
  return out;
}

}  // namespace

std::string_view Name(Interpolation interpolation) {
  for (const auto& entry : kInterpolations) {
    if (entry.value == interpolation) return entry.name;
  }
  return "unknown";
}

Result<Interpolation> ParseInterpolation(std::string_view name) {
  for (const auto& entry : kInterpolations) {
    if (entry.name == name) return entry.value;
  }
  return InvalidArgument("unknown interpolation \"" + std::string(name) +
                         "\"; known are nearest, bilinear, bicubic and lanczos");
}

Result<Image> Resize(const Image& image, int64_t width, int64_t height,
                     Interpolation interpolation) {
  SKIFF_ASSIGN_OR_RETURN(Image out, NewImage(width, height));
  if (out.width == image.width && out.height == image.height) return image;
  if (interpolation == Interpolation::kNearest) return ResizeNearest(image, std::move(out));
  const Filter filter = FilterOf(interpolation);
  if (out.width == image.width) return ResizeHeight(image, std::move(out), filter);
  if (out.height == image.height) return ResizeWidth(image, std::move(out), filter);
  // Either order is right, but their bytes differ; this is Pillow 13's choice. It is "x first", as
  // in every earlier version, unless the picture loses far more rows than columns.
  if (out.height < image.height && image.height - out.height > 2 * (image.width - out.width)) {
    SKIFF_ASSIGN_OR_RETURN(Image low, NewImage(image.width, height));
    return ResizeWidth(ResizeHeight(image, std::move(low), filter), std::move(out), filter);
  }
  SKIFF_ASSIGN_OR_RETURN(Image narrow, NewImage(width, image.height));
  return ResizeHeight(ResizeWidth(image, std::move(narrow), filter), std::move(out), filter);
}

}  // namespace skiff::imaging
