// The flow: prepare, judge, export, measure, write.
#include "skiff/quantize.h"

#include <new>
#include <utility>

#include "base/memory.h"
#include "quant/export.h"
#include "quant/judge/measure.h"
#include "quant/prepare.h"
#include "quant/stoppable_data.h"

namespace skiff {
namespace {

Result<QuantizeReport> QuantizeModel(const ModelSource& source, CalibrationData& all,
                                     const QuantizeOptions& options, const std::string& out,
                                     const QuantizeProgress& progress) {
  quant::StoppableData data(all, options);
  SKIFF_ASSIGN_OR_RETURN(quant::Prepared prepared, quant::Prepare(source, data, options, progress));
  SKIFF_ASSIGN_OR_RETURN(const quant::Judgement judgement,
                         quant::Judge(data, options, progress, &prepared));
  QuantizeReport report = quant::ReportOf(prepared);
  SKIFF_RETURN_IF_ERROR(
      quant::MeasureLayers(prepared, judgement, data, options, progress, &report));
  const quant::Exported exported = quant::ExportBoth(prepared.program, prepared.quantized, options);
  const quant::OriginalModel original = std::move(prepared.original);
  const quant::Ranges ranges = std::move(prepared.quantized.ranges);
  prepared = {};  // the float parameters that no longer count
  ReturnFreeMemory();
  SKIFF_RETURN_IF_ERROR(quant::MeasureModels(original, exported, data, options, progress, &report));
  SKIFF_RETURN_IF_ERROR(quant::WriteModel(exported.to_write, ranges, options, out));
  return report;
}

}  // namespace

Result<QuantizeReport> Quantize(const ModelSource& source, CalibrationData& data,
                                const QuantizeOptions& options, const std::string& out,
                                const QuantizeProgress& progress) {
  try {
    return QuantizeModel(source, data, options, out, progress);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory to quantise the model");
  }
}

}  // namespace skiff
