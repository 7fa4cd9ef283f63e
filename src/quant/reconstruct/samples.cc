#include "quant/reconstruct/samples.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "quant/tracer.h"

namespace skiff::quant {
namespace {

// Extents of one of a batch's samples; nothing when they are not along the first extent.
std::optional<Dims> OneOf(const Dims& batch, int64_t samples) {
  if (samples == 1) return batch;
  if (batch.rank() == 0 || batch[0] != samples) return std::nullopt;
  Dims one = batch;
  one[0] = 1;
  return one;
}

// A tensor's elements in Paddle's order.
void Append(const RunTensor& tensor, std::vector<float>* to) {
  if (tensor.layout == graph::Layout::kPlain) {
    to->insert(to->end(), tensor.data.begin(), tensor.data.end());
    return;
  }
  const int64_t channels = tensor.dims[1];
  const int64_t area = tensor.dims.Product(2, tensor.dims.rank());
  const size_t begin = to->size();
  to->resize(begin + tensor.data.size());
  for (int64_t n = 0; n < tensor.dims[0]; ++n) {
    const float* from = tensor.data.data() + n * channels * area;
    float* plane = to->data() + begin + n * channels * area;
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < area; ++i) plane[c * area + i] = from[i * channels + c];
    }
  }
}

Result<std::unique_ptr<Tracer>> TracerTo(const program::Program& program, Precision precision,
                                         const std::vector<std::string>& wanted,
                                         const SampleOptions& options) {
  RunnerOptions run;
  run.precision = precision;
  run.threads = options.threads;
  return Tracer::Make(program, run, wanted);
}

// The tensor of that name in the last run, appended; false when its samples have other extents.
Result<bool> Take(const Tracer& tracer, const std::string& name, const Dims& one,
                  std::vector<float>* to) {
  const std::optional<int> index = tracer.Find(name);
  if (!index) return Internal("tensor " + name + " is not there");
  const RunTensor tensor = tracer.Read(*index);
  const int64_t samples = tensor.dims.Numel() / one.Numel();
  const std::optional<Dims> own = OneOf(tensor.dims, samples);
  if (samples < 1 || !own || *own != one) return false;
  Append(tensor, to);
  return true;
}

}  // namespace

Result<SampleDims> FindSampleDims(const program::Program& program, CalibrationData& data,
                                  const SampleOptions& options) {
  SKIFF_ASSIGN_OR_RETURN(const auto tracer, TracerTo(program, Precision::kFp32, {}, options));
  SKIFF_RETURN_IF_ERROR(tracer->Run(data, 0));
  SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> batch, data.Batch(0));
  const int64_t samples = batch[0].dims.empty() ? 1 : batch[0].dims[0];
  SampleDims dims;
  const std::vector<plan::ValueInfo>& values = tracer->context().model().values;
  for (size_t v = 0; v < values.size(); ++v) {
    if (values[v].constant || values[v].dtype != DType::kFloat32) continue;
    const RunTensor tensor = tracer->Read(static_cast<int>(v));
    const std::optional<Dims> one = OneOf(tensor.dims, samples);
    if (one) dims[values[v].name] = *one;
  }
  return dims;
}

Result<Samples> GatherSamples(const program::Program& program, const Quantized& quantized,
                              const Block& block, const SampleDims& dims, CalibrationData& data,
                              const SampleOptions& options) {
  const auto input = dims.find(block.input);
  const auto output = dims.find(block.output);
  if (input == dims.end() || output == dims.end()) {
    return Unsupported("the extents of " + block.input + " or " + block.output +
                       " are not known for one sample");
  }
  SKIFF_ASSIGN_OR_RETURN(const auto exact,
                         TracerTo(program, Precision::kFp32, {block.input, block.output}, options));
  SKIFF_ASSIGN_OR_RETURN(
      const auto rounded,
      TracerTo(ExportToRun(program, quantized), Precision::kSimulate, {block.input}, options));
  Samples samples;
  samples.input_size = static_cast<size_t>(input->second.Numel());
  samples.output_size = static_cast<size_t>(output->second.Numel());
  const size_t bytes = (2 * samples.input_size + samples.output_size) * sizeof(float);
  const auto room = std::max<int64_t>(static_cast<int64_t>(options.memory_limit / bytes), 1);
  // Batches are taken whole, evenly spread.
  SKIFF_ASSIGN_OR_RETURN(const std::vector<TensorView> first, data.Batch(0));
  const int64_t per_batch = first[0].dims.empty() ? 1 : std::max<int64_t>(first[0].dims[0], 1);
  const int64_t wanted = std::clamp<int64_t>(room / per_batch, 1, data.batches());
  for (int64_t i = 0; i < wanted; ++i) {
    const int64_t batch = i * data.batches() / wanted;
    SKIFF_RETURN_IF_ERROR(exact->Run(data, batch));
    SKIFF_ASSIGN_OR_RETURN(const bool same,
                           Take(*exact, block.input, input->second, &samples.float_inputs));
    if (!same) continue;
    SKIFF_ASSIGN_OR_RETURN(const bool target,
                           Take(*exact, block.output, output->second, &samples.targets));
    SKIFF_RETURN_IF_ERROR(rounded->Run(data, batch));
    SKIFF_ASSIGN_OR_RETURN(const bool entered,
                           Take(*rounded, block.input, input->second, &samples.inputs));
    if (!target || !entered) return Unsupported("its samples have extents that differ");
  }
  samples.count = static_cast<int64_t>(samples.inputs.size() / samples.input_size);
  return samples;
}

}  // namespace skiff::quant
