#include <algorithm>
#include <chrono>
#include <limits>
#include <map>

#include "base/isa.h"
#include "quant/judge/layer_figures.h"
#include "quant/runner.h"

namespace skiff::quant {
namespace {

// The least of this many runs: what the machine can do when nobody else asks for it.
constexpr int kRuns = 12;

struct StepTime {
  double ms = 0;
  int64_t multiply_adds = 0;
};

struct Times {
  double all_ms = 0;
  std::string isa;
  std::map<std::string, StepTime> steps;  // by the variable that they write
};

// Of the first sample of a batch.
Result<Times> TimeModel(const program::Program& program, Precision precision,
                        const std::vector<TensorView>& batch, const QuantizeOptions& options) {
  RunnerOptions run = RunnerOptionsOf(options, precision);
  run.profile = true;
  SKIFF_ASSIGN_OR_RETURN(const auto runner, Runner::Make(program, run));
  runtime::Context& context = runner->context();
  const std::vector<plan::PlannedStep>& steps = runner->model().steps;
  const std::vector<TensorView> sample = FirstSample(batch, runner->model().input_infos);
  Times times;
  times.isa = Name(runner->model().isa);
  times.all_ms = std::numeric_limits<double>::infinity();
  std::vector<double> least(steps.size(), std::numeric_limits<double>::infinity());
  for (int i = 0; i < kRuns; ++i) {
    context.ResetProfile();
    const auto start = std::chrono::steady_clock::now();
    SKIFF_RETURN_IF_ERROR(runner->Run(sample));
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    times.all_ms = std::min(times.all_ms, ms.count());
    for (size_t s = 0; s < steps.size(); ++s) {
      least[s] = std::min(least[s], context.profile()[s].total_ms);
    }
  }
  for (size_t s = 0; s < steps.size(); ++s) {
    std::vector<Dims> in;
    std::vector<Dims> out;
    for (int v : steps[s].inputs) in.push_back(context.dims(v));
    for (int v : steps[s].outputs) out.push_back(context.dims(v));
    // What brings a tensor into another layout bears the tensor's name, and is part of its cost.
    StepTime& time = times.steps[steps[s].info.name];
    time.ms += least[s];
    time.multiply_adds += steps[s].step->MultiplyAdds(in, out);
  }
  return times;
}

}  // namespace

Status MeasureTimes(const OriginalModel& original, const program::Program& quantized,
                    CalibrationData& data, const QuantizeOptions& options, QuantizeReport* report) {
  SKIFF_ASSIGN_OR_RETURN(const program::Program program, original.Load());
  SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(0));
  SKIFF_ASSIGN_OR_RETURN(const Times fp32, TimeModel(program, Precision::kFp32, batch, options));
  SKIFF_ASSIGN_OR_RETURN(const Times int8, TimeModel(quantized, Precision::kInt8, batch, options));
  report->speed = {fp32.all_ms, int8.all_ms, options.threads, fp32.isa};
  const FusedNames fused(program);
  for (QuantizedLayer& layer : report->layers) {
    const StepTime* in_float = fused.Find(layer.name, fp32.steps);
    const StepTime* in_int8 = fused.Find(layer.name, int8.steps);
    if (in_float == nullptr || in_int8 == nullptr) continue;
    layer.figures.multiply_adds = in_float->multiply_adds;
    layer.figures.ms_fp32 = in_float->ms;
    layer.figures.ms_int8 = in_int8->ms;
  }
  return OkStatus();
}

}  // namespace skiff::quant
