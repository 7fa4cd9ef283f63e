// The flow: prepare, export, write.
#include "skiff/quantize.h"

#include <new>

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
  SKIFF_RETURN_IF_ERROR(quant::Measure(prepared, judgement, data, options, progress, &report));
  const program::Program quantized = quant::Export(prepared.program, prepared.quantized, options);
  SKIFF_RETURN_IF_ERROR(quant::WriteModel(quantized, prepared.quantized.ranges, options, out));
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
