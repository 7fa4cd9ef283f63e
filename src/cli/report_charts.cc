#include "cli/report_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace skiff::cli {
namespace {

// A plot area with room for a scale on the left and under it.
struct Frame {
  double width = 0;
  double height = 0;
  double left = 0;
  double bottom = 0;
  double top = 6;

  [[nodiscard]] double plot() const { return height - bottom - top; }
  [[nodiscard]] double y(double share) const { return height - bottom - share * plot(); }
};

std::string Open(const Frame& frame, std::string_view label, bool stretch) {
  return fmt::format(
      "<svg class=\"{}\" viewBox=\"0 0 {:g} {:g}\" width=\"{:g}\" height=\"{:g}\" "
      "style=\"min-width:{:g}px\" role=\"img\" aria-label=\"{}\">",
      stretch ? "chart fit" : "chart", frame.width, frame.height, frame.width, frame.height,
      stretch ? 0 : frame.width, EscapeHtml(label));
}

std::string Line(double x1, double y1, double x2, double y2, std::string_view style) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>",
                     style, x1, y1, x2, y2);
}

std::string Label(double x, double y, std::string_view anchor, std::string_view text,
                  std::string_view style = "tick") {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>",
                     style, x, y, anchor, EscapeHtml(text));
}

std::string Rect(double x, double y, double width, double height, std::string_view style) {
  return fmt::format(
      "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>", style, x,
      y, width, std::max(height, 0.0));
}

// 1, 2 or 5 times a power of ten that divides `range` into at most `parts`.
double NiceStep(double range, double parts) {
  const double raw = std::max(range, 1e-12) / parts;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * power) return factor * power;
  }
  return 10 * power;
}

// Neighbouring bins put together until there are at most `most`.
Histogram Coarser(const Histogram& histogram, size_t most) {
  Histogram coarse = histogram;
  while (coarse.bins.size() > most) {
    std::vector<int64_t> half((coarse.bins.size() + 1) / 2);
    for (size_t i = 0; i < coarse.bins.size(); ++i) half[i / 2] += coarse.bins[i];
    coarse.bins = std::move(half);
  }
  return coarse;
}

// Where values and counts lie in a frame.
class HistogramScale {
 public:
  HistogramScale(const Histogram& histogram, const Frame& frame)
      : histogram_(histogram), frame_(frame) {
    int64_t most = 1;
    for (int64_t count : histogram.bins) most = std::max(most, count);
    decades_ = std::log10(static_cast<double>(most)) + 0.3;
  }
  [[nodiscard]] double X(double value) const {
    const double share = (value - histogram_.low) / (histogram_.high - histogram_.low);
    return frame_.left + std::clamp(share, 0.0, 1.0) * (frame_.width - frame_.left);
  }
  [[nodiscard]] double Y(double count) const {
    return frame_.y(count < 1 ? 0 : (std::log10(count) + 0.3) / decades_);
  }
  [[nodiscard]] int decades() const { return static_cast<int>(decades_); }

  [[nodiscard]] std::string Area() const {
    const auto n = static_cast<double>(histogram_.bins.size());
    const double bin = (frame_.width - frame_.left) / n;
    std::string path = fmt::format("M{:.1f} {:.1f}", frame_.left, frame_.y(0));
    for (size_t i = 0; i < histogram_.bins.size(); ++i) {
      const double x = frame_.left + bin * static_cast<double>(i);
      path += fmt::format("V{:.1f}H{:.1f}", Y(static_cast<double>(histogram_.bins[i])), x + bin);
    }
    return fmt::format("<path class=\"area\" d=\"{}V{:.1f}Z\"/>", path, frame_.y(0));
  }

  // What lies beyond the threshold, and the threshold itself.
  [[nodiscard]] std::string Clip(double threshold) const {
    std::string svg;
    const double top = frame_.y(1);
    if (threshold < histogram_.high) {
      const double x = X(threshold);
      svg += Rect(x, top, frame_.width - x, frame_.plot(), "beyond");
      svg += Line(x, top, x, frame_.y(0), "limit");
    }
    if (-threshold > histogram_.low) {
      const double x = X(-threshold);
      svg += Rect(frame_.left, top, x - frame_.left, frame_.plot(), "beyond");
      svg += Line(x, top, x, frame_.y(0), "limit");
    }
    return svg;
  }

 private:
  const Histogram& histogram_;
  const Frame& frame_;
  double decades_;
};

// Bars of layers side by side, on a linear scale from zero.
class BarScale {
 public:
  BarScale(size_t layers, double most, std::string unit)
      : most_(std::max(most, 1e-9)), unit_(std::move(unit)) {
    frame_ = {46 + kPitch * static_cast<double>(layers) + 4, 190, 46, 18};
  }
  [[nodiscard]] const Frame& frame() const { return frame_; }
  [[nodiscard]] double X(size_t layer) const {
    return frame_.left + kPitch * static_cast<double>(layer);
  }
  [[nodiscard]] double Y(double value) const {
    return frame_.y(std::clamp(value / most_, 0.0, 1.0));
  }

  [[nodiscard]] std::string Grid() const {
    std::string svg;
    const double step = NiceStep(most_, 5);
    for (double v = 0; v <= most_ * 1.0001; v += step) {
      svg += Line(frame_.left, Y(v), frame_.width, Y(v), "grid");
      svg += Label(frame_.left - 6, Y(v) + 3.5, "end", fmt::format("{:g}", v));
    }
    svg += Label(0, 11, "start", unit_, "tick unit");
    return svg;
  }

  [[nodiscard]] std::string Numbers(size_t layers) const {
    std::string svg;
    for (size_t i = 0; i < layers; i += 5) {
      svg += Label(X(i) + kPitch / 2, frame_.height - 4, "middle", fmt::format("{}", i));
    }
    return svg;
  }

  // A part of the pitch, as a share of it.
  [[nodiscard]] std::string Bar(size_t layer, double from, double to, double value,
                                std::string_view style) const {
    return Rect(X(layer) + from * kPitch, Y(value), (to - from) * kPitch, Y(0) - Y(value), style);
  }

  static constexpr double kPitch = 17;

 private:
  double most_;
  std::string unit_;
  Frame frame_;
};

std::string Linked(size_t layer, const std::string& title, const std::string& svg) {
  return fmt::format("<a href=\"#layer-{}\"><title>{}</title>{}</a>", layer, EscapeHtml(title),
                     svg);
}

double Finite(double decibels) { return std::isfinite(decibels) ? std::max(decibels, 0.0) : 0; }

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string HistogramChart(const Histogram& histogram, double threshold) {
  if (histogram.bins.empty()) return "";
  const Frame frame{560, 170, 40, 18};
  const HistogramScale scale(histogram, frame);
  std::string svg = Open(frame, "histogram of the activation", true);
  for (int d = 0; d <= scale.decades(); ++d) {
    const double y = scale.Y(std::pow(10, d));
    svg += Line(frame.left, y, frame.width, y, "grid");
    const std::string exponent = d == 0 ? "1" : d == 1 ? "10" : fmt::format("1e{}", d);
    svg += Label(frame.left - 5, y + 3.5, "end", exponent);
  }
  svg += scale.Area() + scale.Clip(threshold);
  const double step = NiceStep(histogram.high - histogram.low, 8);
  for (double v = std::ceil(histogram.low / step) * step; v <= histogram.high; v += step) {
    const double shown = std::fabs(v) < step / 2 ? 0 : v;
    const double x = scale.X(v);
    const bool edge = x > frame.width - 14 || x < frame.left + 4;
    if (!edge || shown == 0) {
      svg += Label(x, frame.height - 4, edge ? "start" : "middle", fmt::format("{:g}", shown));
    }
  }
  return svg + "</svg>";
}

std::string HistogramSpark(const Histogram& histogram, double threshold) {
  if (histogram.bins.empty()) return "";
  const Frame frame{96, 22, 0, 0, 1};
  const Histogram coarse = Coarser(histogram, 48);
  const HistogramScale scale(coarse, frame);
  return Open(frame, "histogram", false) + scale.Area() + scale.Clip(threshold) + "</svg>";
}

std::string BoxChart(const WeightFigures& weight) {
  const double low = weight.quartiles[0];
  const double high = weight.quartiles[4];
  if (!(high > low)) return "";
  const Frame frame{560, 46, 10, 18};
  const auto x = [&](double v) { return 10 + (v - low) / (high - low) * (frame.width - 20); };
  const double middle = 15;
  std::string svg = Open(frame, "box of the weight", true);
  svg += Line(x(low), middle, x(high), middle, "whisker");
  svg += Line(x(low), middle - 6, x(low), middle + 6, "whisker");
  svg += Line(x(high), middle - 6, x(high), middle + 6, "whisker");
  svg += Rect(x(weight.quartiles[1]), middle - 9, x(weight.quartiles[3]) - x(weight.quartiles[1]),
              18, "box");
  svg += Line(x(weight.quartiles[2]), middle - 9, x(weight.quartiles[2]), middle + 9, "median");
  svg += Label(x(low), frame.height - 3, "start", fmt::format("{:.3g}", low));
  svg += Label(x(weight.quartiles[2]), frame.height - 3, "middle",
               fmt::format("{:.3g}", weight.quartiles[2]));
  svg += Label(x(high), frame.height - 3, "end", fmt::format("{:.3g}", high));
  return svg + "</svg>";
}

std::string NoiseChart(const std::vector<QuantizedLayer>& layers) {
  double most = 20;
  for (const QuantizedLayer& layer : layers) {
    most = std::max(most, Finite(layer.figures.alone.sqnr_db));
  }
  const BarScale scale(layers.size(), std::min(most, 80.0), "dB");
  std::string svg = Open(scale.frame(), "signal to noise by layer", false) + scale.Grid();
  std::string line;
  for (size_t i = 0; i < layers.size(); ++i) {
    const QuantizedLayer& layer = layers[i];
    if (layer.figures.batches == 0) continue;
    const double cumulative = Finite(layer.figures.cumulative.sqnr_db);
    line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L",
                        scale.X(i) + BarScale::kPitch / 2, scale.Y(cumulative));
    if (!layer.why_float.empty()) continue;
    const double alone = Finite(layer.figures.alone.sqnr_db);
    svg += Linked(i,
                  fmt::format("{} {}: alone {:.1f} dB, cumulative {:.1f} dB", i, layer.name, alone,
                              cumulative),
                  scale.Bar(i, 0.14, 0.86, alone, "bar int8"));
  }
  svg += fmt::format("<path class=\"line\" d=\"{}\"/>", line);
  return svg + scale.Numbers(layers.size()) + "</svg>";
}

std::string TimeChart(const std::vector<QuantizedLayer>& layers) {
  double most = 0;
  for (const QuantizedLayer& layer : layers) {
    most = std::max({most, layer.figures.ms_fp32, layer.figures.ms_int8});
  }
  const BarScale scale(layers.size(), most, "ms");
  std::string svg = Open(scale.frame(), "time by layer", false) + scale.Grid();
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerFigures& f = layers[i].figures;
    if (f.ms_fp32 <= 0) continue;
    svg += Linked(i,
                  fmt::format("{} {}: {:.3f} ms in float, {:.3f} ms quantised", i, layers[i].name,
                              f.ms_fp32, f.ms_int8),
                  scale.Bar(i, 0.1, 0.5, f.ms_fp32, "bar fp32") +
                      scale.Bar(i, 0.5, 0.9, f.ms_int8, "bar int8"));
  }
  return svg + scale.Numbers(layers.size()) + "</svg>";
}

}  // namespace skiff::cli
