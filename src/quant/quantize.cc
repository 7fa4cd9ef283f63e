// The flow: plan, calibrate, quantise weights, export, write.
#include "skiff/quantize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <new>
#include <set>

#include "formats/file.h"
#include "formats/model_files.h"
#include "formats/params.h"
#include "formats/program_writer.h"
#include "quant/calibrate.h"
#include "quant/export.h"
#include "quant/layers.h"

namespace skiff {
namespace {

using quant::Layer;
using quant::Quantized;

struct AlgorithmName {
  CalibrationAlgorithm algorithm;
  std::string_view name;
};
constexpr std::array<AlgorithmName, 7> kAlgorithms = {{{CalibrationAlgorithm::kAbsMax, "abs_max"},
                                                       {CalibrationAlgorithm::kAvg, "avg"},
                                                       {CalibrationAlgorithm::kHist, "hist"},
                                                       {CalibrationAlgorithm::kKl, "KL"},
                                                       {CalibrationAlgorithm::kMse, "mse"},
                                                       {CalibrationAlgorithm::kEmd, "emd"},
                                                       {CalibrationAlgorithm::kPtf, "ptf"}}};

Status CheckOptions(const QuantizeOptions& options, const CalibrationData& data) {
  if (data.batches() < 1) return InvalidArgument("there is no calibration data");
  if (!(options.hist_percent > 0 && options.hist_percent <= 1)) {
    return InvalidArgument("hist_percent is " + std::to_string(options.hist_percent) +
                           ", a share in (0, 1] expected");
  }
  for (const std::string& type : options.quantizable_op_type) {
    if (quant::FindWeightSlots(type) == nullptr) {
      return InvalidArgument("quantizable_op_type: operators of type " + type +
                             " have no weight to quantise");
    }
  }
  for (const char* type : {"range_abs_max", "moving_average_abs_max", "abs_max"}) {
    if (options.activation_quantize_type == type) return OkStatus();
  }
  return InvalidArgument("activation_quantize_type " + options.activation_quantize_type +
                         ": range_abs_max, moving_average_abs_max or abs_max expected");
}

// What has to be observed: what is rounded, and every output that gets a threshold.
std::set<std::string> NamesToObserve(const program::Program& program,
                                     const std::vector<Layer>& layers) {
  std::set<std::string> names;
  for (const Layer& layer : layers) {
    if (layer.why_float.empty()) names.insert(layer.activation);
  }
  for (const program::OpDesc& op : program.blocks[0].ops) {
    const std::string_view name = quant::OnlyName(op.outputs, quant::ObservedSlot(op.type));
    if (!name.empty()) names.emplace(name);
  }
  return names;
}

Status QuantizeWeights(const program::Program& program, Quantized* quantized) {
  for (Layer& layer : quantized->layers) {
    if (!layer.why_float.empty()) continue;
    const auto range = quantized->ranges.find(layer.activation);
    if (range == quantized->ranges.end()) {
      return Unsupported(layer.slots->type.data() + (" " + layer.output) + " reads " +
                         layer.activation + ", which is no float tensor that can be observed");
    }
    if (quantized->weights.contains(layer.weight)) continue;
    SKIFF_ASSIGN_OR_RETURN(
        quantized->weights[layer.weight],
        quant::QuantizeWeight(layer.weight, program.params.at(layer.weight), layer.axis));
  }
  return OkStatus();
}

// Parameters first: who finds the program finds what it reads.
Status Write(const program::Program& program, const Quantized& quantized,
             const QuantizeOptions& options, const std::string& out) {
  std::error_code error;
  const std::filesystem::path folder(out);
  std::filesystem::create_directories(folder, error);
  if (error) return IoError(out + ": cannot make it: " + error.message());
  std::string table;
  for (const auto& [name, range] : quantized.ranges) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), " %.9g\n", range.threshold);
    table += name + text.data();
  }
  SKIFF_RETURN_IF_ERROR(
      formats::WriteCombinedParams(program, (folder / options.params_filename).string()));
  SKIFF_RETURN_IF_ERROR(formats::WriteFile((folder / "calibration_table.txt").string(), table));
  return formats::WriteProgram(program, (folder / options.model_filename).string());
}

QuantizeReport ReportOf(const program::Program& program, const Quantized& quantized,
                        int64_t batches) {
  QuantizeReport report;
  report.batches = batches;
  for (const Layer& layer : quantized.layers) {
    QuantizedLayer& row = report.layers.emplace_back();
    row.op = program.blocks[0].ops[layer.op].type;
    row.name = layer.output;
    row.activation = layer.activation;
    row.weight = layer.weight;
    row.why_float = layer.why_float;
    const auto range = quantized.ranges.find(layer.activation);
    if (range == quantized.ranges.end()) continue;
    row.threshold = range->second.threshold;
    row.largest = range->second.largest;
  }
  return report;
}

Result<QuantizeReport> QuantizeModel(const ModelSource& source, CalibrationData& data,
                                     const QuantizeOptions& options, const std::string& out,
                                     const QuantizeProgress& progress) {
  SKIFF_RETURN_IF_ERROR(CheckOptions(options, data));
  SKIFF_ASSIGN_OR_RETURN(program::Program program, formats::LoadModel(source));
  if (program.blocks.empty()) return Corruption(program.source + ": the program has no block");
  Quantized quantized;
  quantized.layers = quant::PlanLayers(program, options);
  const bool any = std::any_of(quantized.layers.begin(), quantized.layers.end(),
                               [](const Layer& layer) { return layer.why_float.empty(); });
  if (!any) return InvalidArgument(program.source + ": no operator can be quantised");
  SKIFF_ASSIGN_OR_RETURN(quantized.ranges,
                         quant::Calibrate(program, NamesToObserve(program, quantized.layers), data,
                                          options, progress));
  SKIFF_RETURN_IF_ERROR(QuantizeWeights(program, &quantized).WithContext(program.source));
  QuantizeReport report = ReportOf(program, quantized, data.batches());
  if (options.onnx_format) {
    quant::ExportLinear(quantized, &program);
  } else {
    quant::ExportFake(quantized, options, &program);
  }
  SKIFF_RETURN_IF_ERROR(Write(program, quantized, options, out));
  return report;
}

}  // namespace

std::string_view Name(CalibrationAlgorithm algorithm) {
  for (const AlgorithmName& row : kAlgorithms) {
    if (row.algorithm == algorithm) return row.name;
  }
  return "unknown";
}

Result<CalibrationAlgorithm> ParseCalibrationAlgorithm(std::string_view name) {
  std::string known;
  for (const AlgorithmName& row : kAlgorithms) {
    if (row.name == name) return row.algorithm;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  return InvalidArgument("algorithm " + std::string(name) + ": one of " + known + " expected");
}

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
