// Charts of a quantisation report as SVG, to stand inside an HTML page that defines their classes.
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "skiff/quantize_report.h"

namespace skiff::cli {

// For text inside HTML and SVG, attributes too.
std::string EscapeHtml(std::string_view text);

// Counts on a logarithmic scale, the threshold on both sides, what lies beyond it shaded.
std::string HistogramChart(const Histogram& histogram, double threshold);
// The same without scales, to stand in a table's cell.
std::string HistogramSpark(const Histogram& histogram, double threshold);

// The box of a weight's values: quartiles, median, least and largest.
std::string BoxChart(const WeightFigures& weight);

// One bar for each layer, linked to the layer's own section; the line is the cumulative figure.
std::string NoiseChart(const std::vector<QuantizedLayer>& layers);

// Two bars for each layer: float and INT8.
std::string TimeChart(const std::vector<QuantizedLayer>& layers);

}  // namespace skiff::cli
