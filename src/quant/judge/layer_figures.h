// LayerFigures: what each layer of a prepared model loses and costs, measured on a few batches.
#pragma once

#include "base/status.h"
#include "program/program.h"
#include "quant/prepare.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// The variable that stands for a layer in a compiled model, where what follows it may be fused: the
// first of the layer's output and of those that only it leads to which is in `names`.
class FusedNames {
 public:
  explicit FusedNames(const program::Program& program);
  // Null when none is.
  template <typename Map>
  auto Find(const std::string& output, const Map& names) const -> decltype(&names.begin()->second) {
    for (std::string name = output; !name.empty(); name = Next(name)) {
      if (const auto it = names.find(name); it != names.end()) return &it->second;
    }
    return nullptr;
  }

 private:
  [[nodiscard]] std::string Next(const std::string& name) const;
  std::map<std::string, std::string> next_;
};

// Ranges, histograms and errors. Fills `report->layers`, which are those of `prepared` in order.
Status MeasureErrors(const Prepared& prepared, CalibrationData& data,
                     const QuantizeOptions& options, const QuantizeProgress& progress,
                     QuantizeReport* report);

// Times of one sample, in both precisions, by layer and in all.
Status MeasureTimes(const OriginalModel& original, const program::Program& quantized,
                    CalibrationData& data, const QuantizeOptions& options, QuantizeReport* report);

}  // namespace skiff::quant
