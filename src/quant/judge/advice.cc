// Which knob to turn next: rules over the figures of a report. Each names what it saw.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "quant/judge/measure.h"
#include "quant/options.h"

namespace skiff::quant {
namespace {

// A layer that keeps less of its signal than this is worth a look.
constexpr double kNoisyDb = 15;
// hist at its default clips one value in ten thousand.
constexpr double kMuchClipped = 0.005;
constexpr double kMuchZeroed = 0.5;
constexpr double kSlower = 1.1;
// Of a classifier's output, in nats: below it one label in a hundred changes.
constexpr double kMuchDivergence = 0.005;

bool Measured(const QuantizedLayer& layer) {
  return layer.why_float.empty() && layer.figures.batches > 0;
}

template <typename... Args>
std::string Text(const char* format, Args... args) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), format, args...);
  return text.data();
}

// "3 layers keep", or "One layer keeps".
std::string Layers(const std::vector<const QuantizedLayer*>& layers, const char* many,
                   const char* one) {
  if (layers.size() == 1) return Text("One layer %s", one);
  return Text("%zu layers %s", layers.size(), many);
}

class Adviser {
 public:
  Adviser(const QuantizeReport& report, const QuantizeOptions& options)
      : report_(report), options_(options) {}

  std::vector<Advice> Run() {
    if (!report_.warnings.empty()) Ruined();
    Clipping();
    Sensitive();
    Noisy();
    Channels();
    Zeroed();
    Steps();
    Slow();
    LittleData();
    if (advice_.empty()) Good();
    return std::move(advice_);
  }

 private:
  // The names of the worst few layers by a figure, those above its bound.
  template <typename Figure>
  std::vector<const QuantizedLayer*> Worst(double bound, const Figure& figure) const {
    std::vector<const QuantizedLayer*> layers;
    for (const QuantizedLayer& layer : report_.layers) {
      if (Measured(layer) && figure(layer) > bound) layers.push_back(&layer);
    }
    std::stable_sort(
        layers.begin(), layers.end(),
        [&](const QuantizedLayer* a, const QuantizedLayer* b) { return figure(*a) > figure(*b); });
    return layers;
  }

  static std::string Names(const std::vector<const QuantizedLayer*>& layers, size_t most,
                           const char* between) {
    std::string names;
    for (size_t i = 0; i < std::min(most, layers.size()); ++i) {
      names += (i > 0 ? between : "") + layers[i]->name;
    }
    return names;
  }

  void Ruined() {
    const bool safe = options_.algo == CalibrationAlgorithm::kAvg;
    advice_.push_back({"This model is not fit for use",
                       "Ranges that cut off too much are the most frequent reason. Try another "
                       "algorithm before anything else.",
                       safe ? "--algo hist" : "--algo avg"});
  }

  void Clipping() {
    const auto layers =
        Worst(kMuchClipped, [](const QuantizedLayer& l) { return l.figures.activation.clipped; });
    if (layers.empty()) return;
    const double most = 100 * layers[0]->figures.activation.clipped;
    advice_.push_back(
        {Layers(layers, "clip", "clips") +
             Text(" more than %.1f %% of the inputs", 100 * kMuchClipped),
         Text("%s cuts off %.2f %% of the values of %s. A wider range would keep them.",
              layers[0]->name.c_str(), most, layers[0]->activation.c_str()),
         options_.algo == CalibrationAlgorithm::kHist ? "--hist_percent 0.99999" : "--algo hist"});
  }

  void Sensitive() {
    const auto layers =
        Worst(0, [](const QuantizedLayer& l) { return l.figures.sensitivity.value_or(0); });
    if (layers.empty()) return;
    double sum = 0;
    for (const QuantizedLayer* layer : layers) sum += *layer->figures.sensitivity;
    const double share = 100 * *layers[0]->figures.sensitivity / sum;
    if (share < 25) return;
    advice_.push_back({"One layer carries much of the loss",
                       Text("Left in float, %s takes away %.0f %% of all that single layers can.",
                            layers[0]->name.c_str(), share),
                       "--skip_tensor_list " + layers[0]->name});
  }

  void Noisy() {
    const auto layers =
        Worst(-kNoisyDb, [](const QuantizedLayer& l) { return -l.figures.alone.sqnr_db; });
    if (layers.empty()) return;
    advice_.push_back(
        {Layers(layers, "keep", "keeps") + Text(" less than %.0f dB of the signal", kNoisyDb),
         Text("The worst is %s with %.1f dB. In float they would cost little where they are small; "
              "--max_drop with --eval_list finds out which of them matter.",
              layers[0]->name.c_str(), layers[0]->figures.alone.sqnr_db),
         "--skip_tensor_list " + Names(layers, 3, ",")});
  }

  void Channels() {
    if (options_.weight_per_channel) return;
    const auto layers =
        Worst(0, [](const QuantizedLayer& l) { return 30 - l.figures.weight.sqnr_db; });
    if (layers.empty()) return;
    advice_.push_back(
        {"Weights with one range for all channels",
         Text("%s keeps %.1f dB of its weight. A range for each channel costs no time.",
              layers[0]->name.c_str(), layers[0]->figures.weight.sqnr_db),
         "--weight_quantize_type channel_wise_abs_max"});
  }

  void Zeroed() {
    const auto layers =
        Worst(kMuchZeroed, [](const QuantizedLayer& l) { return l.figures.activation.zeroed; });
    if (layers.empty()) return;
    advice_.push_back(
        {Layers(layers, "round", "rounds") + " more than half of the inputs to zero",
         Text("%s loses %.0f %% of the values of %s: a few large ones set the range. An algorithm "
              "that cuts those off gives the others more codes.",
              layers[0]->name.c_str(), 100 * layers[0]->figures.activation.zeroed,
              layers[0]->activation.c_str()),
         options_.algo == CalibrationAlgorithm::kAvg ? "--algo mse --batch_size 8" : "--algo avg"});
  }

  void Steps() {
    if (options_.full_range == FullRange::kAll || !CanSayFullRange(options_)) return;
    const OutputFigures& output = report_.output;
    if (!output.classifier || output.divergence < kMuchDivergence) return;
    advice_.push_back(
        {"Smaller steps are to be had",
         Text(
             "The output diverges by %.4f nats. 255 steps in the place of 127 for every activation "
             "that is never negative take away a part of it; without VNNI such layers take longer "
             "(MobileNetV2 on AVX2 a tenth).",
             output.divergence),
         "--full_range all"});
  }

  void Slow() {
    const auto slower = [](const QuantizedLayer& l) {
      return l.figures.ms_fp32 > 0 ? l.figures.ms_int8 / l.figures.ms_fp32 : 0;
    };
    const auto layers = Worst(kSlower, slower);
    if (layers.empty()) return;
    double lost = 0;
    for (const QuantizedLayer* l : layers) lost += l->figures.ms_int8 - l->figures.ms_fp32;
    advice_.push_back(
        {Layers(layers, "are", "is") + " slower in INT8 on this machine",
         Text("%.2f of %.2f ms are lost that way; %s takes %.1f times as long as in float. "
              "What a conversion in front of the next layer costs is not counted.",
              lost, report_.speed.ms_int8, layers[0]->name.c_str(), slower(*layers[0])),
         lost > 0.05 * report_.speed.ms_int8 ? "--skip_tensor_list " + Names(layers, 3, ",") : ""});
  }

  void LittleData() {
    if (report_.output.samples >= 32) return;
    advice_.push_back({"Little calibration data",
                       Text("%lld samples were seen. 100 to 500 give ranges that hold.",
                            static_cast<long long>(report_.output.samples)),
                       ""});
  }

  void Good() {
    advice_.push_back(
        {"Nothing stands out", "No layer clips, loses or costs more than it should.", ""});
  }

  const QuantizeReport& report_;
  const QuantizeOptions& options_;
  std::vector<Advice> advice_;
};

}  // namespace

std::vector<Advice> AdviceFor(const QuantizeReport& report, const QuantizeOptions& options) {
  return Adviser(report, options).Run();
}

}  // namespace skiff::quant
