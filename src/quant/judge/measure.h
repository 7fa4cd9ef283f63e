// Measure: what a prepared model loses and gains, before it is written.
#pragma once

#include "base/status.h"
#include "quant/judge/sensitivity.h"
#include "quant/prepare.h"
#include "skiff/quantize.h"

namespace skiff::quant {

// Fills what `options.report` asks for into `report`, which ReportOf made. The figures are of the
// model in INT8 on this machine's rung; both formats give the same.
Status Measure(const Prepared& prepared, const Judgement& judgement, CalibrationData& data,
               const QuantizeOptions& options, const QuantizeProgress& progress,
               QuantizeReport* report);

// What to try next, from the figures of a report that holds those of layers.
std::vector<Advice> AdviceFor(const QuantizeReport& report, const QuantizeOptions& options);

}  // namespace skiff::quant
