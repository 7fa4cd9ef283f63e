// What a prepared model loses and gains, measured before it is written. Figures are of the model in
// INT8 on this machine's rung; both formats give the same.
#pragma once

#include "base/status.h"
#include "quant/judge/sensitivity.h"
#include "quant/prepare.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// Into `report`, which ReportOf made: what was judged and, where the report is of layers, their
// errors.
Status MeasureLayers(const Prepared& prepared, const Judgement& judgement, CalibrationData& data,
                     const QuantizeOptions& options, const QuantizeProgress& progress,
                     QuantizeReport* report);

// Sizes, outputs, times and advice, as far as the report asks for them. Of the float model and the
// quantised one, one at a time is in memory to be run.
Status MeasureModels(const OriginalModel& original, const Exported& exported, CalibrationData& data,
                     const QuantizeOptions& options, const QuantizeProgress& progress,
                     QuantizeReport* report);

// What to try next, from the figures of a report that holds those of layers.
std::vector<Advice> AdviceFor(const QuantizeReport& report, const QuantizeOptions& options);

}  // namespace skiff::quant
