#include "quant/prepare.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/memory.h"
#include "formats/model_files.h"
#include "quant/cache.h"
#include "quant/calibrate/calibrate.h"
#include "quant/edit.h"
#include "quant/layers.h"
#include "quant/options.h"
#include "quant/quantized_state.h"
#include "quant/reconstruct/reconstruct.h"
#include "quant/refine/equalize.h"
#include "quant/refine/fold_batch_norm.h"
#include "quant/refine/refine.h"
#include "quant/same_scale.h"
#include "quant/stoppable_data.h"
#include "quant/weights.h"

namespace skiff::quant {
namespace {

// What has to be observed: what is rounded, and every output that gets a threshold.
std::set<std::string> NamesToObserve(const program::Program& program, const Quantized& quantized) {
  std::set<std::string> names;
  for (const Layer& layer : quantized.layers) {
    if (layer.why_float.empty()) names.insert(layer.activation);
  }
  for (const auto& [op, inputs] : quantized.other_inputs) {
    names.insert(inputs.begin(), inputs.end());
  }
  for (const program::OpDesc& op : program.blocks[0].ops) {
    const std::string_view name = OnlyName(op.outputs, ObservedSlot(op.type));
    if (!name.empty()) names.emplace(name);
  }
  return names;
}

// A name that nothing has is a mistake that would otherwise pass unseen.
Status CheckSkipList(const program::Program& program, const QuantizeOptions& options) {
  for (const std::string& name : options.skip_tensor_list) {
    const auto& vars = program.blocks[0].vars;
    const bool known = std::any_of(vars.begin(), vars.end(),
                                   [&](const program::VarDesc& var) { return var.name == name; });
    if (!known) {
      return NotFound("skip_tensor_list: " + program.source + " has no variable " + name);
    }
  }
  return OkStatus();
}

Status QuantizeWeights(const program::Program& program, const QuantizeOptions& options,
                       Quantized* quantized) {
  ThresholdsByWeight thresholds;
  for (const Layer& layer : quantized->layers) {
    if (!layer.why_float.empty()) continue;
    if (!quantized->ranges.contains(layer.activation)) {
      return Unsupported(layer.slots->type.data() + (" " + layer.output) + " reads " +
                         layer.activation + ", which is no float tensor that can be observed");
    }
    if (thresholds.contains(layer.weight)) continue;
    SKIFF_ASSIGN_OR_RETURN(
        thresholds[layer.weight],
        LargestByChannel(layer.weight, program.params.at(layer.weight), layer.axis));
  }
  SKIFF_RETURN_IF_ERROR(
      ShareScales(options.same_scale_tensor_list, &quantized->ranges, &thresholds));
  for (const Layer& layer : quantized->layers) {
    if (!layer.why_float.empty() || quantized->weights.contains(layer.weight)) continue;
    quantized->weights[layer.weight] =
        RoundWeight(program.params.at(layer.weight), layer.axis, thresholds.at(layer.weight));
  }
  return OkStatus();
}

// What the outcome of Refine follows from besides program and data.
std::string RefinementOptions(const QuantizeOptions& options, const Quantized& quantized) {
  std::string text = " " + std::string(Name(options.algo)) + " " +
                     std::string(Name(options.round_type)) +
                     (options.bias_correction ? " bias " : " ") +
                     std::to_string(options.hist_percent) + " " + std::to_string(options.threads);
  for (const std::vector<std::string>& list : options.same_scale_tensor_list) {
    text += " same scale";
    for (const std::string& name : list) text += " " + name;
  }
  text += " " + std::to_string(quantized.other_inputs.size());
  for (const auto& [name, range] : quantized.ranges) {
    if (range.codes != TensorRange().codes) text += " full " + name;
  }
  for (const Layer& layer : quantized.layers) {
    text += " " + layer.weight + (layer.why_float.empty() ? "+" : "-") + std::to_string(layer.axis);
  }
  return text;
}

// Block by block, going on behind the last block that the cache knows.
Status ReconstructAll(const program::Program& program, CalibrationData& data,
                      const QuantizeOptions& options, const Cache& cache, const std::string& key,
                      const QuantizeProgress& progress, Quantized* quantized) {
  const std::string name =
      key + (options.reconstruct ? " blocks " : " layers ") + std::to_string(options.iterations);
  std::vector<size_t> layers;
  for (size_t i = 0; i < quantized->layers.size(); ++i) {
    if (quantized->layers[i].why_float.empty()) layers.push_back(i);
  }
  ReconstructOptions reconstruct;
  reconstruct.blocks = options.reconstruct;
  reconstruct.threads = options.threads;
  reconstruct.iterations = options.iterations;
  reconstruct.go_on = options.go_on;
  if (!options.reconstruct) reconstruct.step_learning_rate = 0;
  const std::optional<std::string> state = cache.Load(name);
  if (state) {
    StateReader reader(*state);
    const auto next = reader.Get<uint64_t>();
    if (RestoreLayers(reader.GetText(), layers, quantized)) reconstruct.first_block = next;
  }
  reconstruct.on_block = [&](const ReconstructedBlock& block) {
    StateWriter writer;
    writer.Put<uint64_t>(block.index + 1);
    writer.PutText(SaveLayers(*quantized, layers));
    cache.Store(name, writer.bytes());
    return OkStatus();
  };
  return Reconstruct(program, data, reconstruct, progress, quantized);
}

// `program` gets copies of the parameters that it shares with `as_read`.
void Unshare(const program::Program& as_read, program::Program* program) {
  Editor editor(program);
  for (const auto& [name, tensor] : as_read.params) {
    const auto shared = program->params.find(name);
    if (shared == program->params.end()) continue;
    const std::span<const std::byte> bytes = shared->second.data.bytes;
    if (bytes.data() != tensor.data.bytes.data()) continue;
    editor.SetParam(name, tensor.dtype, tensor.dims, std::vector(bytes.begin(), bytes.end()));
  }
}

// Most parameters are copies once the model is equalised: the file's would only take memory.
Status EqualizeAndLetGo(CalibrationData& data, const QuantizeOptions& options, const Cache& cache,
                        const std::string& key, const QuantizeProgress& progress,
                        Prepared* prepared) {
  SKIFF_RETURN_IF_ERROR(Equalize(data, options, cache, key, progress, &prepared->program));
  SKIFF_ASSIGN_OR_RETURN(const program::Program as_read, prepared->original.Load());
  Unshare(as_read, &prepared->program);
  prepared->original.LetGo();
  return OkStatus();
}

bool NeedsRefinement(const QuantizeOptions& options) {
  return options.algo == CalibrationAlgorithm::kOutputError ||
         options.round_type == RoundType::kGram || options.bias_correction;
}

}  // namespace

Result<Prepared> Prepare(const ModelSource& source, CalibrationData& all,
                         const QuantizeOptions& options, const QuantizeProgress& progress) {
  SKIFF_RETURN_IF_ERROR(CheckOptions(options));
  if (all.batches() < 1) return InvalidArgument("there is no calibration data");
  StoppableData data(all, options);
  Prepared prepared;
  SKIFF_ASSIGN_OR_RETURN(prepared.program, formats::LoadModel(source));
  prepared.original = OriginalModel(source, prepared.program);
  const program::Program& program = prepared.program;
  Quantized& quantized = prepared.quantized;
  if (program.blocks.empty()) return Corruption(program.source + ": the program has no block");
  if (options.optimize_model) FoldBatchNorms(&prepared.program);
  std::string fingerprint;  // reads all of the data
  if (!options.cache_dir.empty()) {
    SKIFF_ASSIGN_OR_RETURN(fingerprint, data.Fingerprint());
  }
  const Cache cache(fingerprint.empty() ? "" : options.cache_dir);
  const auto work = [&] { return cache.keeps() ? Digest(program) + fingerprint : std::string(); };
  if (options.equalize) {
    SKIFF_RETURN_IF_ERROR(
        EqualizeAndLetGo(data, options, cache, work() + " channels", progress, &prepared));
  }
  SKIFF_RETURN_IF_ERROR(CheckSkipList(program, options));
  quantized.layers = PlanLayers(program, options);
  if (options.int8_must_pay || options.report == ReportDetail::kLayers) {
    SKIFF_ASSIGN_OR_RETURN(prepared.predicted,
                           LeaveUnpaid(program, data, options, &quantized.layers));
  }
  quantized.other_inputs = PlanOtherInputs(program, options, quantized.layers);
  const bool any = std::any_of(quantized.layers.begin(), quantized.layers.end(),
                               [](const Layer& layer) { return layer.why_float.empty(); });
  if (!any) return InvalidArgument(program.source + ": no operator can be quantised");
  const std::string key = work();
  SKIFF_ASSIGN_OR_RETURN(
      Calibrated calibrated,
      Calibrate(program, NamesToObserve(program, quantized), data, options, cache, key, progress));
  quantized.ranges = std::move(calibrated.ranges);
  for (const std::string& name : PlanFullRange(program, options, quantized.layers)) {
    const auto range = quantized.ranges.find(name);
    if (range != quantized.ranges.end()) range->second.codes = kFullRangeCodes;
  }
  prepared.batches = calibrated.batches;
  data.UseFirst(calibrated.batches);
  // Integers are not rounded.
  for (auto& [op, names] : quantized.other_inputs) {
    std::erase_if(names, [&](const std::string& n) { return !quantized.ranges.contains(n); });
  }
  SKIFF_RETURN_IF_ERROR(QuantizeWeights(program, options, &quantized).WithContext(program.source));
  ReturnFreeMemory();
  if (NeedsRefinement(options)) {
    SKIFF_RETURN_IF_ERROR(Refine(program, data, options, cache,
                                 key + RefinementOptions(options, quantized), progress,
                                 &quantized));
  }
  if (options.reconstruct || options.round_type == RoundType::kAdaround) {
    SKIFF_RETURN_IF_ERROR(ReconstructAll(program, data, options, cache,
                                         key + RefinementOptions(options, quantized), progress,
                                         &quantized));
  }
  return prepared;
}

QuantizeReport ReportOf(const Prepared& prepared) {
  const Quantized& quantized = prepared.quantized;
  QuantizeReport report;
  report.batches = prepared.batches;
  for (const Layer& layer : quantized.layers) {
    QuantizedLayer& row = report.layers.emplace_back();
    row.op = prepared.program.blocks[0].ops[layer.op].type;
    row.name = layer.output;
    row.activation = layer.activation;
    row.weight = layer.weight;
    row.why_float = layer.why_float;
    const size_t index = report.layers.size() - 1;
    if (index < prepared.predicted.size()) {
      row.predicted_us_fp32 = prepared.predicted[index].fp32_us;
      row.predicted_us_int8 = prepared.predicted[index].int8_us;
    }
    const auto range = quantized.ranges.find(layer.activation);
    if (range == quantized.ranges.end()) continue;
    row.threshold = range->second.threshold;
    row.largest = range->second.largest;
  }
  return report;
}

}  // namespace skiff::quant
