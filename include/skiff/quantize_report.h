// QuantizeReport: what quantisation did to a model, in figures.
//
// Plain data; distinct objects may be used from distinct threads. Ratios of signal to noise are in
// decibels and infinite where nothing changed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace skiff {

// How often a tensor's values fall where: equal bins from `low` to `high`.
struct Histogram {
  double low = 0;
  double high = 0;
  std::vector<int64_t> bins;
};

// The activation that is rounded in front of a layer, over the calibration data.
struct ActivationFigures {
  double least = 0;
  double largest = 0;
  double mean = 0;
  double deviation = 0;  // standard
  Histogram histogram;
  double clipped = 0;  // share of the values beyond the threshold
  double zeroed = 0;   // share of the values that are not zero and round to it
};

struct WeightFigures {
  std::array<double, 5> quartiles = {};  // least, first quartile, median, third, largest
  double deviation = 0;
  double spread = 1;   // the largest channel's range over the median channel's
  double sqnr_db = 0;  // of the integers against the float weight
};

// How a layer's output differs from the float model's.
struct OutputError {
  double sqnr_db = 0;
  double cosine = 1;
};

// What one layer lost; measured where `batches` is above 0.
struct LayerFigures {
  int64_t batches = 0;
  ActivationFigures activation;
  WeightFigures weight;
  OutputError alone;       // this layer rounded, fed with the float model's tensors
  OutputError cumulative;  // all layers rounded
  int64_t multiply_adds = 0;
  double ms_fp32 = 0;  // of one run of one sample; 0: not measured
  double ms_int8 = 0;
  // What leaving this layer in float gains, in nats of divergence of the model's output.
  std::optional<double> sensitivity;
};

// What became of one operator that was asked for.
struct QuantizedLayer {
  std::string op;
  std::string name;        // the variable that it writes
  std::string activation;  // the variable that is rounded in front of it
  std::string weight;
  double threshold = 0;   // of the activation
  double largest = 0;     // |activation| seen
  std::string why_float;  // why it stays float; empty: it is quantised
  // Of one sample, in microseconds of one core with AVX2 as docs/quantisation.md describes it; 0:
  // not predicted. Where the layer stays float the second is what INT8 would take.
  double predicted_us_fp32 = 0;
  double predicted_us_int8 = 0;
  LayerFigures figures;
};

// The model's first output in INT8 against float, over `samples` samples of calibration data.
struct OutputFigures {
  int64_t samples = 0;
  OutputError error;
  bool classifier = false;  // the output is a row of scores for each sample; else no labels below
  double agreement = 1;     // share of the samples that keep their label
  double divergence = 0;    // Kullback-Leibler, float to INT8, mean over the samples, in nats
};

// With labels: how right both models are.
struct AccuracyFigures {
  int64_t samples = 0;
  double top1_fp32 = 0;  // shares
  double top1_int8 = 0;
  double agreement = 0;
  double sigma = 0;  // one standard deviation of the paired difference
  // Layers left in float, and top-1 with them, as the search for the fewest went.
  struct Trial {
    int64_t float_layers = 0;
    double drop = 0;  // on the half that chooses
  };
  std::vector<Trial> trials;
};

struct SpeedFigures {
  double ms_fp32 = 0;  // one sample, best of several runs; 0: not measured
  double ms_int8 = 0;
  int threads = 1;
  std::string isa;
};

struct SizeFigures {
  int64_t bytes_fp32 = 0;  // parameters
  int64_t bytes_int8 = 0;
};

// What to try next, most useful first.
struct Advice {
  std::string title;
  std::string text;
  std::string flags;  // of `skiff quantize`; empty where none would do
};

struct QuantizeReport {
  std::vector<QuantizedLayer> layers;
  int64_t batches = 0;
  OutputFigures output;
  std::optional<AccuracyFigures> accuracy;
  SpeedFigures speed;
  SizeFigures size;
  std::vector<std::string> warnings;  // the model is not fit for use, and why
  std::vector<Advice> advice;
};

}  // namespace skiff
